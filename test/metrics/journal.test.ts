// The metrics of reading containerd's log, source by source.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { declareJournal, type LogMetrics } from '../../agent/metrics/journal.ts';
import type { LogLag } from '../../agent/metrics/sources.ts';
import { parseExposition, type Sample } from '../support/exposition.ts';

function create(logLags: () => readonly LogLag[] = () => []) {
  const registry = new Registry();
  const errors: unknown[] = [];
  const { logOf, read } = declareJournal(registry, { logLags }, (error) => errors.push(error));
  const samples = async (): Promise<readonly Sample[]> => {
    read();
    return parseExposition(await registry.metrics()).samples;
  };
  const value = async (name: string, source: string) =>
    (await samples()).find(
      (sample) => sample.name === `nodeseal_journal_${name}` && sample.labels['source'] === source,
    )?.value;
  return { logOf, value, errors };
}

describe('the metrics of the log', () => {
  const changes: [string, (log: LogMetrics) => void, string, number][] = [
    ['entries', (log) => log.countEntries(3), 'entries_total', 3],
    ['what was not understood', (log) => log.countInvalid(), 'invalid_total', 1],
    ['restarts', (log) => log.countRestart(), 'restarts_total', 1],
    ['gaps', (log) => log.countGap(null), 'gaps_total', 1],
    ['gaps of a known size', (log) => log.countGap(7), 'gap_entries_total', 7],
    ['gaps of no known size', (log) => log.countGap(null), 'gap_entries_total', 0],
    ['suppressed entries', (log) => log.countSuppressed(213), 'suppressed_entries_total', 213],
    ['fallbacks', (log) => log.countFallback(), 'fallbacks_total', 1],
    ['complaints', (log) => log.countComplaint(), 'complaints_total', 1],
    ['an outdated reader', (log) => log.setOutdated(true), 'reader_outdated', 1],
  ];
  it.each(changes)('follow %s, from none on', async (_, change, name, expected) => {
    const { logOf, value } = create();
    expect(await value(name, 'journald')).toBe(0);
    change(logOf('journald'));
    expect(await value(name, 'journald')).toBe(expected);
  });

  it('keep sources apart, and name those alone that are followed', async () => {
    const { logOf, value } = create();
    expect(await value('entries_total', 'file')).toBeUndefined();
    logOf('file').countEntries(2);
    logOf('file').countEntries(1);
    expect(await value('entries_total', 'file')).toBe(3);
    expect(await value('entries_total', 'journald')).toBe(0);
  });

  it('say nothing of a lag that is not known any more', async () => {
    let seconds: number | null = 3;
    const { value } = create(() => [{ source: 'journald', seconds }]);
    expect(await value('lag_seconds', 'journald')).toBe(3);
    seconds = null;
    expect(await value('lag_seconds', 'journald')).toBeUndefined();
  });

  it('lose the lag alone when it cannot be read', async () => {
    const { value, errors } = create(() => {
      throw new Error('broken');
    });
    expect(await value('lag_seconds', 'journald')).toBeUndefined();
    expect(await value('entries_total', 'journald')).toBe(0);
    expect(errors).not.toEqual([]);
  });
});

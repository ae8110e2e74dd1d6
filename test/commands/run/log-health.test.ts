// What becomes of the incidents of a source, and how its lag grows and ends.
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Gap } from '../../../agent/audit/gap-table.ts';
import { LogHealth } from '../../../agent/commands/run/log-health.ts';
import { AgentError } from '../../../agent/errors.ts';
import { declareJournal } from '../../../agent/metrics/journal.ts';
import type { FollowIncident } from '../../../agent/node/journald/source.ts';
import { parseExposition } from '../../support/exposition.ts';
import { LogLines } from '../../support/log-lines.ts';

const START_MS = Date.UTC(2026, 0, 1);
const at = (seconds: number) => ({
  cursor: `at ${seconds}`,
  realtimeUs: START_MS * 1000 + seconds * 1_000_000,
});
const error = new AgentError('journal_unavailable', 'journalctl exited with 1');

function create() {
  const registry = new Registry();
  const { logOf } = declareJournal(registry, { logLags: () => [] }, () => undefined);
  const log = new LogLines();
  const clock = { seconds: 0 };
  const gaps: Gap[] = [];
  const health = new LogHealth({
    metrics: logOf('journald'),
    log: pino({ base: null }, { write: log.write }),
    now: () => new Date(START_MS + clock.seconds * 1000),
    onGap: (gap) => gaps.push(gap),
  });
  const values = async () => {
    const { samples } = parseExposition(await registry.metrics());
    const changed = samples.filter(({ value }) => value !== 0);
    return Object.fromEntries(
      changed.map(({ name, value }) => [name.replace('nodeseal_journal_', ''), value]),
    );
  };
  return { health, log, clock, gaps, values };
}

describe('LogHealth', () => {
  const incidents: [FollowIncident, Record<string, number>, string | RegExp][] = [
    [{ kind: 'entry_invalid', error }, { invalid_total: 1 }, /exited/],
    [
      { kind: 'gap', from: at(0), to: at(5), entries: 7 },
      { gaps_total: 1, gap_entries_total: 7 },
      /gone before/,
    ],
    [{ kind: 'gap', from: at(0), to: at(5), entries: null }, { gaps_total: 1 }, /gone before/],
    [
      { kind: 'suppressed', entries: 213, at: at(0) },
      { suppressed_entries_total: 213 },
      /RateLimitBurst=/,
    ],
    [{ kind: 'restart', error, waitMs: 250 }, { restarts_total: 1 }, /exited/],
    [{ kind: 'fallback', error }, { fallbacks_total: 1 }, /own journalctl reads instead/],
    [
      { kind: 'older_reader', version: 252, hostVersion: 257 },
      { reader_outdated: 1 },
      /older than the host/,
    ],
    [{ kind: 'complaint', text: 'ignoring file' }, { complaints_total: 1 }, 'ignoring file'],
  ];
  it.each(incidents)('counts %o and tells an operator', async (incident, expected, message) => {
    const { health, log, values } = create();
    health.report(incident);
    expect(await values()).toEqual(expected);
    expect(log.lines).toMatchObject([{ level: 40, msg: expect.stringMatching(message) as string }]);
  });

  it('names the times between which entries are gone', () => {
    const { health, log } = create();
    health.report({ kind: 'gap', from: at(0), to: at(5), entries: null });
    expect(log.lines).toMatchObject([
      { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:05.000Z', entries: null },
    ]);
  });

  it('notes spans of which nobody can tell, also those in which journald refused lines', () => {
    const { health, gaps } = create();
    health.report({ kind: 'gap', from: at(0), to: at(5), entries: 7 });
    health.report({ kind: 'suppressed', entries: 213, at: at(1000) });
    health.report({ kind: 'restart', error, waitMs: 250 });
    expect(gaps).toEqual([
      { fromMs: START_MS, toMs: START_MS + 5000 },
      { fromMs: START_MS + 400_000, toMs: START_MS + 1_000_000 },
    ]);
  });

  it('takes back that the reader is outdated when another run begins', async () => {
    const { health, values } = create();
    health.report({ kind: 'older_reader', version: 252, hostVersion: 257 });
    health.report({ kind: 'restart', error, waitMs: 250 });
    expect(await values()).toEqual({ restarts_total: 1 });
  });

  it('is behind by what the last entry had waited, until all is read', () => {
    const { health, clock, log } = create();
    expect(health.lagSeconds).toBeNull();
    clock.seconds = 100;
    health.handled(at(40));
    clock.seconds = 110;
    expect(health.lagSeconds).toBe(60);
    health.report({ kind: 'caught_up' });
    expect(health.lagSeconds).toBe(0);
    expect(log.lines).toEqual([]);
  });

  it('is further behind the longer an entry does not come', () => {
    const { health, clock } = create();
    health.report({ kind: 'caught_up' });
    clock.seconds = 30;
    health.report({ kind: 'waiting', newest: at(10) });
    expect(health.lagSeconds).toBe(20);
    clock.seconds = 50;
    health.report({ kind: 'waiting', newest: at(45) });
    expect(health.lagSeconds).toBe(40);
    health.handled(at(50));
    expect(health.lagSeconds).toBe(0);
  });

  it('is not ahead when a clock is', () => {
    const { health } = create();
    health.handled(at(5));
    expect(health.lagSeconds).toBe(0);
  });
});

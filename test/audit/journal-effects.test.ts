// From a reading of the journal to what the ledger writes.
import { describe, expect, it } from 'vitest';
import {
  type JournalEffect,
  journalEffects,
  MAX_DETAIL_LENGTH,
} from '../../agent/audit/journal-effects.ts';
import { JOURNAL_EVENTS, type JournalReading } from '../../agent/audit/journal-reading.ts';
import { intakeJournal, type JournalItem } from '../../agent/audit/journal-intake.ts';
import { openLedger } from '../../agent/audit/ledger.ts';
import { ENTRY_FIELDS, toJournalEntry } from '../../agent/node/journald/entry.ts';
import { ExportParser } from '../../agent/node/journald/export-format.ts';
import { readEntry } from '../../agent/node/journald/reading.ts';
import { encodeVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../support/journal.ts';
import { verdictOf } from '../support/verdict.ts';

const VERDICT = verdictOf({ decision: 'deny', reason: 'signature_missing' });

describe('journalEffects', () => {
  it.each<[JournalReading, readonly JournalEffect[]]>([
    [{ kind: 'verdict', verdict: VERDICT }, [{ kind: 'pull_verdict', verdict: VERDICT, atUs: 7 }]],
    [
      { kind: 'containerd', event: { kind: 'pull_blocked', name: 'x', reason: 'no' } },
      [{ kind: 'event', event: 'pull_blocked', atUs: 7, detail: 'x: no' }],
    ],
    [
      { kind: 'containerd', event: { kind: 'pull_fallback', setting: 'Mirrors' } },
      [{ kind: 'event', event: 'pull_fallback', atUs: 7, detail: 'Mirrors' }],
    ],
    [{ kind: 'containerd', event: { kind: 'other' } }, []],
    [
      { kind: 'untrusted_verdict' },
      [{ kind: 'event', event: 'untrusted_verdict', atUs: 7, detail: '' }],
    ],
    [
      { kind: 'unreadable', error: new Error('x'.repeat(1000)) },
      [{ kind: 'event', event: 'unreadable_line', atUs: 7, detail: 'x'.repeat(MAX_DETAIL_LENGTH) }],
    ],
    [{ kind: 'nothing' }, []],
  ])('of %j', (reading, effects) => {
    expect(journalEffects(reading, 7)).toEqual(effects);
  });
});

describe('intakeJournal', () => {
  const verifierPath = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
  const writers = { unit: 'containerd.service', verifierPath };
  const line = encodeVerdictLine(VERDICT, { name: 'x', via: 'agent', mode: 'enforce' });

  // The types of agent/node/journald meet those of this folder here, as they do in commands.
  function items(...fields: readonly Record<string, string>[]): JournalItem[] {
    return fields
      .flatMap((each) => new ExportParser(ENTRY_FIELDS).feed(exportEntry(each)))
      .map(toJournalEntry)
      .map((entry) => ({ ...entry, reading: readEntry(entry, writers) }));
  }

  async function* batches(...all: JournalItem[][]): AsyncGenerator<JournalItem[]> {
    await Promise.resolve();
    yield* all;
  }

  it('records what the journal says, each batch with its position', async () => {
    const ledger = openLedger(':memory:');
    const effects: JournalEffect[] = [];
    const verdict = { ...containerdFields(1, line), _EXE: verifierPath };
    const forged = { ...containerdFields(2, line), _EXE: '/tmp/nodeseal-verifier' };
    const start = containerdFields(
      3,
      'time="t" level=info msg="starting containerd" version=2.1.9',
    );
    await intakeJournal(
      ledger,
      'main',
      batches(items(verdict, forged), [], items(start)),
      (effect) => effects.push(effect),
    );
    expect(ledger.position('main')).toEqual({ cursor: cursorOf(3), realtimeUs: realtimeUs(3) });
    expect(ledger.totals()).toEqual([
      { source: 'pull', decision: 'deny', reason: 'signature_missing', mode: 'enforce', count: 1 },
    ]);
    expect(ledger.events()).toEqual([
      { event: 'containerd_started', count: 1, lastUs: realtimeUs(3), lastDetail: '2.1.9' },
      { event: 'untrusted_verdict', count: 1, lastUs: realtimeUs(2), lastDetail: '' },
    ]);
    expect(effects).toHaveLength(3);
    expect(effects.flatMap((e) => (e.kind === 'event' ? [e.event] : []))).toSatisfy(
      (events: string[]) =>
        events.every((event) => JOURNAL_EVENTS.some((known) => known === event)),
    );
    ledger.close();
  });

  it('keeps what was recorded when the journal breaks', async () => {
    const ledger = openLedger(':memory:');
    async function* breaking(): AsyncGenerator<JournalItem[]> {
      yield* batches(items(containerdFields(1, 'x')));
      throw new RangeError('broken');
    }
    await expect(intakeJournal(ledger, 'main', breaking())).rejects.toThrow(RangeError);
    expect(ledger.position('main')?.cursor).toBe(cursorOf(1));
    ledger.close();
  });
});

// A name and a reason that imitate containerd's lines, also where journald cuts them: the ledger has one pull, as it was.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { intakeJournal } from '../../agent/audit/journal-intake.ts';
import { openLedger } from '../../agent/audit/ledger.ts';
import { Arrivals } from '../../agent/node/journald/arrival.ts';
import { ENTRY_FIELDS, toEntryAt } from '../../agent/node/journald/entry.ts';
import { ExportParser } from '../../agent/node/journald/export-format.ts';
import { LineJoiner } from '../../agent/node/journald/line-joiner.ts';
import { readEntry } from '../../agent/node/journald/reading.ts';
import { encodeVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import { LOG_FORMATS } from '../support/containerd-lines.ts';
import { goQuote, logLine } from '../support/containerd-log.ts';
import { containerdFields, exportEntry } from '../support/journal.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf } from './images.ts';

const UNIT = 'containerd.service';
const WRITERS = { unit: UNIT, verifierPath: '/opt/bin/nodeseal-verifier' };
/** journald's default. */
const LINE_MAX_BYTES = 48 * 1024;
const DIGEST = digestOf(1);

/** What somebody would like to be believed. */
const IMITATIONS = [
  ...LOG_FORMATS.map((format) =>
    logLine(
      {
        level: 'warning',
        msg: 'Image verifier blocked pull',
        fields: { digest: digestOf(2), name: 'evil.example/app:v1', ok: false, reason: 'no' },
      },
      format,
    ),
  ),
  logLine({ msg: 'PullImage "evil.example/app:v1"' }),
  logLine({ msg: 'ImageCreate event name:"evil.example/app:v1"' }),
  encodeVerdictLine(verdictOf({ repository: 'evil.example/app', digest: digestOf(2) }), {
    ...{ name: 'evil.example/app:v1', via: 'agent', mode: 'enforce' },
  }),
];

/** As journald files the line: parts of a stream, each but the last marked. */
function entriesOf(line: string): Buffer[] {
  const bytes = Buffer.from(line);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += LINE_MAX_BYTES) {
    parts.push(bytes.subarray(at, at + LINE_MAX_BYTES));
  }
  return parts.map((part, n) =>
    exportEntry({
      ...containerdFields(n + 1, ''),
      _STREAM_ID: 'a',
      MESSAGE: part,
      ...(n < parts.length - 1 && { _LINE_BREAK: 'line-max' }),
    }),
  );
}

/** What the ledger makes of entries; those that were lost are not among them. */
async function counted(entries: readonly Buffer[]) {
  const ledger = openLedger(':memory:');
  const arrivals = new Arrivals(UNIT);
  const exported = new ExportParser(ENTRY_FIELDS).feed(Buffer.concat(entries));
  const joiner = new LineJoiner();
  const joined = [...joiner.join(exported.map((one) => arrivals.read(one))), ...joiner.flush()];
  const items = joined.flatMap(({ position, entry }) => {
    if (entry === undefined) return [];
    const read = toEntryAt(position, entry);
    return [{ ...read, reading: readEntry(read, WRITERS) }];
  });
  await intakeJournal(ledger, 'journald', batchOf(items));
  ledger.pulls.settle(new Date('2100-01-01'));
  const events = Object.fromEntries(ledger.events().map(({ event, count }) => [event, count]));
  const pulls = ledger.pulls.totals().map(({ judgement, count }) => [judgement, count]);
  const result = { events, pulls, verdicts: ledger.totals() };
  ledger.close();
  return result;
}

async function* batchOf<T>(batch: readonly T[]): AsyncGenerator<readonly T[]> {
  await Promise.resolve();
  if (batch.length > 0) yield batch;
}

const reason = fc
  .tuple(fc.nat(LINE_MAX_BYTES), fc.shuffledSubarray(IMITATIONS, { minLength: 1 }), fc.boolean())
  .map(([padding, imitations, isQuoted]) => {
    const text = imitations.map((line) => (isQuoted ? goQuote(line) : line)).join('');
    // Filled up so that an imitation may begin exactly where journald cuts.
    return 'x'.repeat(padding) + text.repeat(Math.ceil((2 * LINE_MAX_BYTES) / text.length));
  });

function blocked(name: string, text: string, format: (typeof LOG_FORMATS)[number]): string {
  const fields = { digest: DIGEST, name, ok: false, reason: text, verifier: 'bindir' };
  return logLine({ level: 'warning', msg: 'Image verifier blocked pull', fields }, format);
}

it.each(LOG_FORMATS)('as %s, in lines that journald cuts, change nothing', async (format) => {
  await fc.assert(
    fc.asyncProperty(reason, fc.constantFrom('x', ...IMITATIONS), async (text, name) => {
      const entries = entriesOf(blocked(name, text, format));
      expect(entries.length).toBeGreaterThan(2);
      const whole = { events: { pull_blocked: 1 }, pulls: [['blocked', 1]], verdicts: [] };
      expect(await counted(entries)).toEqual(whole);
      // Without its beginning, or its end, it is no line at all.
      for (const some of [entries.slice(1), entries.slice(0, -1), entries.slice(1, -1)]) {
        const { events, ...rest } = await counted(some);
        expect(rest).toEqual({ pulls: [], verdicts: [] });
        expect(Object.keys(events)).toEqual(['unreadable_line']);
      }
    }),
    { numRuns: 15 },
  );
});

it.each(LOG_FORMATS)('as %s, cut where an imitation begins, change nothing', async (format) => {
  for (const imitation of IMITATIONS) {
    // By trial: quoting lengthens what is before it by what only the writer knows.
    const start = blocked('x', 'MARK', format).indexOf('MARK');
    const text = 'x'.repeat(LINE_MAX_BYTES - start) + imitation;
    const entries = entriesOf(blocked('x', text, format));
    expect(await counted(entries)).toMatchObject({ events: { pull_blocked: 1 } });
    expect(await counted(entries.slice(1))).toEqual({
      ...{ events: { unreadable_line: 1 }, pulls: [], verdicts: [] },
    });
  }
});

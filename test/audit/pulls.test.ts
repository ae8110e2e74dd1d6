// Each pull counts once, as the same, whatever the order of the sources and wherever the agent was cut off.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../agent/audit/database.ts';
import { intakeJournal, type JournalItem } from '../../agent/audit/journal-intake.ts';
import { Ledger } from '../../agent/audit/ledger.ts';
import { PULL_CAUSES, PULL_JUDGEMENTS } from '../../agent/audit/pull.ts';
import { OWN_VERIFIER } from '../../agent/audit/pull-join.ts';
import * as labels from '../../agent/metrics/labels.ts';
import { createLayout } from '../../agent/node/host/layout.ts';
import type { JournalEntry } from '../../agent/node/journald/entry.ts';
import { readEntry } from '../../agent/node/journald/reading.ts';
import {
  type Scenario,
  type ScenarioImage,
  type ScenarioLine,
  SCENARIOS,
} from '../support/pull-scenarios.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runs } from '../support/properties.ts';
import { digestOf } from './images.ts';

const WRITERS = { unit: 'containerd.service', verifierPath: `/opt/bin/${OWN_VERIFIER}` };
const START_US = 1_766_000_000_000_000;
const SECOND_US = 1_000_000;
const END = new Date(START_US / 1000 + 86_400_000);

type SourceName = 'journald' | 'file';

/** Which source has which writer's lines. */
const PLACES = {
  together: { verifier: ['journald'], containerd: ['journald'] },
  apart: { verifier: ['journald'], containerd: ['file'] },
  doubled: { verifier: ['journald'], containerd: ['journald', 'file'] },
} as const satisfies Readonly<
  Record<string, Readonly<Record<ScenarioLine['writer'], readonly SourceName[]>>>
>;
type PlaceName = keyof typeof PLACES;

function imageOf(n: number): ScenarioImage {
  return { repository: `registry.example/app${n}`, digest: digestOf(n + 1) };
}

/** An entry of a log, before it has a cursor. */
interface TimedLine {
  readonly line: ScenarioLine;
  readonly atUs: number;
  readonly pid: number;
}

interface Planned {
  readonly name: string;
  readonly image: number;
  /** Since the pull before it began. */
  readonly gapUs: number;
  /** Of each line, by how much journald is late. */
  readonly delaysUs: readonly number[];
}

function plan(
  gapUs: fc.Arbitrary<number>,
  names: readonly string[] = Object.keys(SCENARIOS),
): fc.Arbitrary<readonly Planned[]> {
  const one = fc.record({
    name: fc.constantFrom(...names),
    image: fc.nat(2),
    gapUs,
    delaysUs: fc.array(fc.nat(3000), { minLength: 5, maxLength: 5 }),
  });
  return fc.array(one, { minLength: 1, maxLength: 12 });
}

/** Those that kubelet asks for, and of which containerd tells the beginning and the end. */
const BRACKETED = Object.keys(SCENARIOS).filter((name) => !/ctr|pause/.test(name));

/** Pulls of which none begins before the one before it ended. */
const oneByOne = fc.oneof(
  plan(fc.integer({ min: 6 * SECOND_US, max: 100 * SECOND_US })),
  plan(fc.integer({ min: SECOND_US / 5, max: 6 * SECOND_US }), BRACKETED),
);
const atOnce = plan(fc.oneof(fc.nat(100_000), fc.nat(10 * SECOND_US)));

interface World {
  readonly logs: ReadonlyMap<SourceName, readonly TimedLine[]>;
  readonly scenarios: readonly Scenario[];
}

function worldOf(planned: readonly Planned[], place: PlaceName): World {
  let startUs = START_US;
  const logs = new Map<SourceName, TimedLine[]>([['journald', []]]);
  if (place !== 'together') logs.set('file', []);
  const scenarios = planned.map(({ name, image, gapUs, delaysUs }, index) => {
    startUs += gapUs;
    const scenario = SCENARIOS[name]?.(imageOf(image), startUs) ?? { lines: [], counts: [] };
    scenario.lines.forEach((line, n) => {
      const atUs = startUs + line.afterUs;
      for (const source of PLACES[place][line.writer]) {
        const delayUs = source === 'journald' ? (delaysUs[n] ?? 0) : 0;
        logs.get(source)?.push({ line, atUs: atUs + delayUs, pid: index });
      }
    });
    return scenario;
  });
  for (const lines of logs.values()) lines.sort((a, b) => a.atUs - b.atUs);
  return { logs, scenarios };
}

function itemOf({ line, atUs, pid }: TimedLine, n: number): JournalItem {
  const exe = line.writer === 'verifier' ? WRITERS.verifierPath : '/usr/bin/containerd';
  const entry: JournalEntry = {
    ...{ cursor: `c${n}`, realtimeUs: atUs, unit: WRITERS.unit, uid: 0, exe, pid },
    ...{ transport: 'stdout', message: line.text, truncated: false },
  };
  return { ...entry, reading: readEntry(entry, WRITERS) };
}

async function* once(batch: readonly JournalItem[]): AsyncGenerator<readonly JournalItem[]> {
  await Promise.resolve();
  yield batch;
}

/** All of it in one go, as the oracle. */
async function uninterrupted({ logs }: World) {
  const ledger = new Ledger(openDatabase(':memory:'));
  ledger.pulls.follow([...logs.keys()]);
  for (const [source, lines] of logs) {
    await intakeJournal(ledger, source, once(lines.map(itemOf)));
  }
  return outcome(ledger);
}

/** What must not depend on the order of the sources, nor on interruptions. */
function outcome(ledger: Ledger) {
  ledger.pulls.settle(END);
  const counts = ledger.events().map(({ event, count }) => ({ event, count }));
  const pulls = ledger.pulls.totals().map((total) => ({ ...total }));
  const last = [0, 1, 2].map((n) => {
    const { repository, digest } = imageOf(n);
    return ledger.pulls.last(repository, digest);
  });
  const result = { pulls, verdicts: ledger.totals(), events: counts, last };
  ledger.close();
  return result;
}

/** One step of a run that is cut into pieces. */
interface Turn {
  readonly source: number;
  readonly size: number;
  /** What happens before it: nothing, a new process, or one that died before it could commit. */
  readonly before: 'nothing' | 'restart' | 'killed';
}

const turns: fc.Arbitrary<readonly Turn[]> = fc.array(
  fc.record({
    source: fc.nat(1),
    size: fc.integer({ min: 1, max: 5 }),
    before: fc.constantFrom<Turn['before'][]>('nothing', 'nothing', 'restart', 'killed'),
  }),
  { minLength: 5, maxLength: 60 },
);

/** Reads on, after each turn, from where the ledger says. */
async function interrupted({ logs }: World, order: readonly Turn[]) {
  const database = openDatabase(':memory:');
  const names = [...logs.keys()];
  let ledger = new Ledger(database);
  ledger.pulls.follow(names);
  const take = async (source: SourceName, size: number, kills: boolean): Promise<void> => {
    const lines = logs.get(source) ?? [];
    const at = ledger.position(source);
    const from = at === undefined ? 0 : Number(at.cursor.slice(1)) + 1;
    const batch = lines.slice(from, from + size).map((line, n) => itemOf(line, from + n));
    if (batch.length === 0) return;
    if (kills) {
      await expectCodeAsync(
        intakeJournal(ledger, source, once([...batch, POISON])),
        'ledger_failed',
      );
    } else await intakeJournal(ledger, source, once(batch));
  };
  for (const { source, size, before } of order) {
    const name = names[source % names.length] ?? 'journald';
    if (before === 'killed') await take(name, size, true);
    if (before !== 'nothing') {
      ledger = new Ledger(database);
      ledger.pulls.follow(names);
    }
    await take(name, size, false);
  }
  for (const name of names.toReversed()) await take(name, Infinity, false);
  return outcome(ledger);
}

/** An entry that no ledger takes: the transaction is undone, as a kill would undo it. */
const POISON: JournalItem = {
  ...{ cursor: 'c', realtimeUs: START_US * 2, message: '', pid: 0 },
  reading: {
    kind: 'unreadable',
    error: { name: '', message: { slice: () => null } as unknown as string },
  },
};

describe('pulls', () => {
  it.each(Object.keys(SCENARIOS).flatMap((name) => placesOf(name)))(
    'counts what is %s, with logs %s, as what it is',
    async (name, place) => {
      const world = worldOf([{ name, image: 0, gapUs: 0, delaysUs: [0, 0, 0, 0, 0] }], place);
      expect(await uninterrupted(world)).toMatchObject({ pulls: expectedOf(world) });
    },
  );

  // As journald does that is restarted: new connections are taken before the old ones are read.
  it.each(Object.keys(SCENARIOS))(
    'counts what is %s as what it is when the verdict is told of first',
    async (name) => {
      const world = worldOf([{ name, image: 0, gapUs: 0, delaysUs: [] }], 'together');
      const late = ({ line, atUs, pid }: TimedLine): TimedLine =>
        line.writer === 'verifier' ? { line, atUs, pid } : { line, atUs: atUs + SECOND_US, pid };
      const lines = (world.logs.get('journald') ?? []).map(late).sort((a, b) => a.atUs - b.atUs);
      const found = await uninterrupted({ ...world, logs: new Map([['journald', lines]]) });
      expect(found).toMatchObject({ pulls: expectedOf(world) });
    },
  );

  it.each(Object.keys(PLACES) as PlaceName[])(
    'counts each pull once, as what it is, with logs %s',
    async (place) => {
      await fc.assert(
        fc.asyncProperty(oneByOne, async (planned) => {
          const world = worldOf(planned, place);
          expect(await uninterrupted(world)).toMatchObject({ pulls: expectedOf(world) });
        }),
        { numRuns: runs(30) },
      );
    },
  );

  it.each(Object.keys(PLACES) as PlaceName[])(
    'comes to the same in any order of the sources and after any crash, with logs %s',
    async (place) => {
      await fc.assert(
        fc.asyncProperty(atOnce, turns, async (planned, order) => {
          const world = worldOf(planned, place);
          expect(await interrupted(world, order)).toEqual(await uninterrupted(world));
        }),
        { numRuns: runs(30) },
      );
    },
  );

  it('counts lines that two sources bring as the one of them alone would', async () => {
    await fc.assert(
      fc.asyncProperty(oneByOne, async (planned) => {
        const { last, ...alone } = await uninterrupted(worldOf(planned, 'together'));
        // By the time of whichever was earlier.
        const { last: lastOfBoth, ...both } = await uninterrupted(worldOf(planned, 'doubled'));
        expect(both).toEqual(alone);
        expect(lastOfBoth.map((pull) => pull?.judgement)).toEqual(
          last.map((pull) => pull?.judgement),
        );
      }),
      { numRuns: runs(30) },
    );
  });
});

function placesOf(name: string): readonly (readonly [string, PlaceName])[] {
  return (Object.keys(PLACES) as PlaceName[]).map((place) => [name, place]);
}

function expectedOf({ scenarios }: World): unknown {
  const totals = new Map<string, number>();
  for (const { judgement, cause, mode } of scenarios.flatMap(({ counts }) => counts)) {
    const key = JSON.stringify({ judgement, cause, mode });
    totals.set(key, (totals.get(key) ?? 0) + 1);
  }
  const rows = [...totals].map(([key, count]) => ({ ...(JSON.parse(key) as object), count }));
  return expect.toSatisfy(
    (found: readonly object[]) =>
      found.length === rows.length &&
      rows.every((row) => found.some((one) => JSON.stringify(one) === JSON.stringify(row))),
    JSON.stringify(rows),
  );
}

describe('the words of pulls', () => {
  it('are those of the metric', () => {
    expect(labels.PULL_JUDGEMENTS).toEqual(PULL_JUDGEMENTS);
    expect(labels.PULL_CAUSES).toEqual(PULL_CAUSES);
  });

  it('have our verifier by the name that it is installed under', () => {
    expect(createLayout().verifierFile.split('/').at(-1)).toBe(OWN_VERIFIER);
  });
});

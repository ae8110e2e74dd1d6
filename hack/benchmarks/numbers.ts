// README's table of numbers and the sentence on the machine, from what was recorded.
import { isMet, type Measurement, median, quantile } from './measurement.ts';
import type { BenchRecord } from './record.ts';

/** A row: what was measured, by which benchmark, and under which names the numbers are there. */
interface Row {
  readonly what: string;
  readonly bench: string;
  /** Ours beside theirs; without them, what `number` names is all there is. */
  readonly ours?: string;
  readonly theirs?: string;
  /** The ratio of both, or the only number. */
  readonly number: string;
  /** How the plot of ratios calls it; not in that without. */
  readonly label?: string;
}

const KEYS: Readonly<Record<string, string>> = {
  ...{ 'rsa-2048': 'RSA-2048', 'rsa-4096': 'RSA-4096', p256: 'P-256' },
};
const PROGRAMS: Readonly<Record<string, string>> = { node: 'Node', bun: 'Bun' };

const PULLS: readonly Row[] = [
  ['agent up, first time', 'a pull’s verdict, agent up, against `notation verify`'],
  ['agent up, judged before', 'the same, digest judged before'],
  ['agent down', 'the same, agent down: all in the verifier’s own process'],
  [
    '20 ms away, first time',
    'the same, registry 20 ms away behind TLS and a token service, whose token is held',
  ],
  ['20 ms away, first of its repository', 'the same, first of its repository: without a token'],
  ['20 ms away, judged before', 'the same, digest judged before'],
  ['100 signatures, last good', 'agent up, 100 signatures on the image, the last one good'],
  ['100 signatures, first good', 'the same, the first one good'],
].map(([when = '', what = '']) => ({
  ...{ what, bench: 'verifier', number: `ratio, ${when}`, label: `a pull, ${when}` },
  ...{ ours: `nodeseal-verifier, ${when}`, theirs: `notation verify, ${when}` },
}));

/** What no program of that runtime is faster than. */
const FLOOR: Row = {
  what: 'an empty Bun program, against `notation verify`',
  ...{ bench: 'verifier', number: 'ratio, empty program' },
  label: 'an empty program',
  ...{ ours: 'empty program', theirs: 'notation verify, beside an empty program' },
};

const MEMORY: readonly Row[] = ['up', 'down'].map((agent) => ({
  what: `the verifier’s peak memory, agent ${agent}, against an empty Bun program`,
  ...{ bench: 'verifier', number: `ratio of memory, agent ${agent}` },
  label: `verifier’s memory, agent ${agent}`,
  ...{ ours: `peak memory, agent ${agent}`, theirs: 'peak memory, empty program' },
}));

const VERIFICATION: readonly Row[] = Object.entries(KEYS).flatMap(([key, name]) =>
  ['jws', 'cose'].flatMap((format) => {
    const both = `${name}, ${format.toUpperCase()}`;
    const rowOf = (of: string) => ({
      ...{ bench: 'verification', number: `${of}: ratio of time` },
      ...{ ours: `${of}: nodeseal`, theirs: `${of}: crypto.verify alone` },
    });
    return [
      {
        what: `a signature at hand verified, its chain met before, ${both}, against bare \`crypto.verify\` of both`,
        label: `one signature, ${both}`,
        ...rowOf(`${key}, ${format}`),
      },
      {
        what: 'the same, its chain met first, against the same and the import of its keys',
        ...rowOf(`${key}, ${format}, chain met first`),
      },
    ];
  }),
);

const AGENT: readonly Row[] = [
  {
    what: '1,000 images of 20 repositories re-verified, against a loop of `notation verify`',
    ...{ bench: 'reverification', number: 'ratio of time, again' },
    label: '1,000 images again',
    ...{ ours: 'nodeseal, again', theirs: 'notation verify, one after the other' },
  },
  {
    what: 'the same, nothing known of them',
    ...{ bench: 'reverification', number: 'ratio of time, nothing known' },
    label: '1,000 images, nothing known',
    ours: 'nodeseal, nothing known: first begun to last done',
    theirs: 'notation verify, one after the other',
  },
  {
    what: 'the same from the start of the agent, which installs and lists meanwhile: images a second',
    bench: 'reverification',
    number: 'the same from the start of the agent, installing and listing',
  },
  {
    what: 'event loop’s delay meanwhile, p99',
    ...{ bench: 'reverification', number: 'event loop behind meanwhile, 99 %' },
  },
  {
    what: 'requests to registries after a change of policy',
    ...{ bench: 'reverification', number: 'after a change of policy' },
  },
  {
    what: '500,000 journal entries followed and classified, against `journalctl -o export`',
    ...{ bench: 'journal', number: 'ratio of time' },
    label: 'reading the journal',
    ...{ ours: 'follow and classify', theirs: 'journalctl -o export > /dev/null' },
  },
  {
    what: 'verdict’s line in the journal to the metric, at 200 pulls a second, p99',
    ...{ bench: 'latency', number: 'verdict line to metric, p99' },
  },
  {
    what: 'resident memory of `nodeseal run`, idle, 1,000 images',
    ...{ bench: 'memory', number: 'resident, idle' },
  },
  {
    what: 'its start to ready, 1,000 images in the ledger',
    ...{ bench: 'memory', number: 'from start to ready, all in the ledger' },
  },
];

const GROWTH: readonly Row[] = [
  [
    'resident, idle: exponent',
    'memory, from 100 to 10,000 images: grows with their number to the power of',
  ],
  ['ledger: exponent', 'the ledger'],
  ['from start to ready: exponent', 'start to ready'],
].map(([number = '', what = '']) => ({ what, bench: 'growth', number }));

const SCALE: readonly Row[] = [
  [
    'roll-out',
    'requests a second to a registry, 5,000 nodes with 200 images, simulated: roll-out, against the formula',
  ],
  ['roll-out, registry down for an hour', 'the same, after an outage of an hour'],
  ['end of a CRL', 'the same, end of a CRL'],
  ['end of a CRL, its server down for an hour', 'the same, its server down for an hour'],
].map(([happening = '', what = '']) => ({
  ...{ what, bench: 'scale', number: `${happening}, 5000 nodes: against the formula` },
  ours: `${happening}, 5000 nodes: most`,
}));

const CRLS: readonly Row[] = [
  ['end of a CRL', 'requests a second for the CRL, at its end, against the formula'],
  ['end of a CRL, the next one only then', 'the same, the next one only then'],
  ['end of a CRL, its server down for an hour', 'the same, its server down for an hour'],
].map(([happening = '', what = '']) => ({
  ...{ what, bench: 'scale' },
  number: `${happening}, 5000 nodes: for the CRL, against the formula`,
  ours: `${happening}, 5000 nodes: most, for the CRL`,
}));

const REST: readonly Row[] = [
  ...[
    ['first image of a registry', 'requests to a private registry for its first image'],
    ['second image of a repository', 'for the next of the same repository'],
    ['an image again', 'for one that is known'],
  ].map(([of = '', what = '']) => ({ what, bench: 'requests', number: `referrers API: ${of}` })),
  {
    what: 'for the very first of a registry without the referrers API',
    bench: 'requests',
    number: 'tag schema: first image of a registry',
  },
  {
    what: 'webhook: 200 reviews a second of three images, warm, p99 of each second',
    ...{ bench: 'webhook', number: 'p99 of each second' },
  },
  {
    what: 'its memory in the last ten of thirty seconds, against the first ten',
    ...{ bench: 'webhook', number: 'memory, last to first' },
  },
  {
    what: 'what the image adds to its base (amd64)',
    ...{ bench: 'image', number: 'amd64: all of it' },
  },
  {
    what: 'the same, compressed, as it is pulled',
    ...{ bench: 'image', number: 'amd64: compressed, as it is pulled' },
  },
];

/** In the order of README. */
const ROWS = [
  ...PULLS,
  FLOOR,
  ...MEMORY,
  ...VERIFICATION,
  ...AGENT,
  ...GROWTH,
  ...SCALE,
  ...CRLS,
  ...REST,
];
const HEAD = ['What', 'nodeseal', 'Against', 'Median', '10 % to 90 %', 'At most'];

/** The table, its head first. Targets that are not reached are in italics. Throws for a number that was not recorded. */
export function numbersTable(record: BenchRecord): readonly (readonly string[])[] {
  return [
    HEAD,
    ...ROWS.map(({ what, bench, ours, theirs, number }) => {
      const find = (name: string) => findMeasurement(record, bench, name);
      const found = find(number);
      const both = [ours, theirs].map((name) => (name === undefined ? '' : shown(find(name))));
      return [what, ...both, shown(found), spread(found), promised(found)];
    }),
  ];
}

/** A ratio, and how the plot calls it. */
export interface Ratio {
  readonly label: string;
  readonly ratio: Measurement;
}

/** What the plot of ratios shows, in the order of the table. */
export function ratiosOf(record: BenchRecord): readonly Ratio[] {
  return ROWS.flatMap(({ label, bench, number }) =>
    label === undefined ? [] : [{ label, ratio: findMeasurement(record, bench, number) }],
  );
}

/** What was recorded under a name. Throws when nothing was. */
export function findMeasurement(record: BenchRecord, bench: string, what: string): Measurement {
  const { measurements } = record.benchmarks.find(({ name }) => name === bench) ?? {};
  const found = measurements?.find((one) => one.what === what);
  if (found === undefined)
    throw new Error(`not recorded: ${bench}, '${what}' (hack/bench --record)`);
  return found;
}

/** A sentence. */
export function machineSentence({ machine, benchmarks }: BenchRecord): string {
  const { cpu, cores, memoryGib, kernel, versions } = machine;
  const days = benchmarks.map(({ time }) => time.slice(0, 10)).sort();
  const programs = Object.entries(versions).map(
    ([name, version]) => `${PROGRAMS[name] ?? name} ${version}`,
  );
  const parts = [`${cores} cores (${cpu})`, `${memoryGib} GiB of memory`, `Linux ${kernel}`];
  return `Measured on ${days.at(-1) ?? ''} with ${[...parts, ...programs].join(', ')}.`;
}

function shown({ values, unit }: Measurement): string {
  return withUnit(median(values), unit);
}

function spread({ values, unit }: Measurement): string {
  if (values.length === 1) return '';
  const ends = [quantile(values, 0.1), quantile(values, 0.9)];
  return ends.map((value) => withUnit(value, unit)).join(' to ');
}

/** Those that are not reached in italics. */
function promised(measurement: Measurement): string {
  const { target, unit } = measurement;
  if (target === undefined) return '';
  const text = withUnit(target.value, unit, EXACT);
  return isMet(measurement) === true ? text : `_${text}_`;
}

/** Of what is promised nothing is rounded. */
const EXACT = 3;

function withUnit(
  value: number,
  unit: Measurement['unit'],
  maximumFractionDigits = fractionDigits(value),
): string {
  const text = value.toLocaleString('en', { maximumFractionDigits });
  switch (unit) {
    case 'x':
      return `${text}x`;
    case '1/s':
    case 'entries/s':
      return `${text}/s`;
    case 'ms':
    case 'MB':
    case 'KB':
      return `${text} ${unit}`;
    case 'requests':
    case 'exponent':
      return text;
  }
}

/** Three digits of what is measured, two of what is small. */
function fractionDigits(value: number): number {
  if (value >= 100) return 0;
  return value >= 10 ? 1 : 2;
}

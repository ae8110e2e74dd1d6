// A strict reader of Prometheus' text format 0.0.4, for tests; it throws at the first line that is not of it.

/** One line of values. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Everything a page of metrics says. */
export interface Exposition {
  readonly samples: readonly Sample[];
  /** Type by metric name; each has help too. */
  readonly types: ReadonlyMap<string, string>;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/** Parses a page, or throws an Error that names the line. */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('expected the page to end with a newline');
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const helped = new Set<string>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment === null) samples.push(parseSample(line));
    else if (comment[1] === 'HELP') helped.add(comment[2] ?? '');
    else types.set(comment[2] ?? '', comment[3] ?? '');
  }
  for (const name of types.keys()) if (!helped.has(name)) throw new Error(`${name}: expected help`);
  for (const { name } of samples) {
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, ''))) {
      throw new Error(`${name}: expected a type`);
    }
  }
  const keys = samples.map(
    ({ name, labels }) => name + JSON.stringify(Object.entries(labels).sort()),
  );
  if (new Set(keys).size !== keys.length) throw new Error('expected each sample once');
  return { samples, types };
}

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`expected a sample, found ${JSON.stringify(line)}`);
  const [, name = '', list = '', value = ''] = match;
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < list.length) {
    const label = LABEL.exec(list);
    if (label === null) throw new Error(`expected labels, found ${JSON.stringify(line)}`);
    labels[label[1] ?? ''] = label[2] ?? '';
  }
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

// A real Prometheus on a test node: it scrapes what it is told to, tries rules, and is asked.
import type { TestNode } from './test-node.ts';

const START_MS = 60_000;
/** Its end says why it does not start. */
const MAX_LOG_TOLD = 1000;
const DIRECTORY = '/srv/prometheus';

export interface PrometheusTarget {
  /** Where an agent serves. */
  readonly url: string;
  /** What its series carry beside `job` and `instance`. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  readonly targets: readonly PrometheusTarget[];
  /** A file of rules. */
  readonly rules: string;
}

/** In seconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** A series as it is told: one value, or many. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds since the epoch, and the value. */
  readonly values: readonly (readonly [number, number])[];
}

export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A running one; it ends with its node. */
export interface NodePrometheus {
  readonly url: string;
  /** The values at a time; throws an Error for a query that it does not understand. */
  query(promql: string): Promise<readonly Series[]>;
  /** The values over a time, at steps of `step` seconds. */
  queryRange(promql: string, time: TimeRange, step: number): Promise<readonly Series[]>;
  alerts(): Promise<readonly Alert[]>;
}

/** Starts it; scrapes and tries rules each second. */
export async function startNodePrometheus(
  node: TestNode,
  { targets, rules }: PrometheusOptions,
): Promise<NodePrometheus> {
  const groups = targets.map((one) => ({ targets: [new URL(one.url).host], labels: one.labels }));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: 'nodeseal', static_configs: groups }],
  };
  // JSON is YAML too.
  await node.writeFile(`${DIRECTORY}/prometheus.yaml`, JSON.stringify(config));
  await node.writeFile(`${DIRECTORY}/rules.yaml`, rules);
  return runPrometheus(node, DIRECTORY, 'prometheus --config.file=prometheus.yaml');
}

/** Runs it by a command line in a directory that holds what it names, until the node ends. */
export async function runPrometheus(
  node: TestNode,
  directory: string,
  command: string,
): Promise<NodePrometheus> {
  const url = await listen(node, directory, command);
  const ask = (path: string, parameters: Record<string, string>) => get(url, path, parameters);
  return {
    url,
    query: async (query) => seriesOf(await ask('query', { query })),
    queryRange: async (query, { from, to }, step) => {
      const span = { start: String(from), end: String(to), step: String(step) };
      return seriesOf(await ask('query_range', { query, ...span }));
    },
    alerts: async () => ((await ask('alerts', {})) as { readonly alerts: readonly Alert[] }).alerts,
  };
}

async function listen(node: TestNode, directory: string, command: string): Promise<string> {
  const own = '--storage.tsdb.path=data --web.listen-address=127.0.0.1:0';
  const child = node.spawn(['sh', '-euc', `cd ${directory}; exec ${command} ${own} 2>&1`]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let log = '';
  const fail = (what: string): void => {
    const told = log.slice(-MAX_LOG_TOLD);
    reject(new Error(`prometheus: expected it to listen, found ${what}: ${told}`));
  };
  const timer = setTimeout(() => {
    fail(`nothing after ${START_MS} ms`);
  }, START_MS);
  child.on('error', reject);
  child.on('exit', () => {
    fail('that it ended');
  });
  // Goes on reading after the port is known, so that it never blocks on its own log.
  child.stdout?.on('data', (chunk: Buffer) => {
    if (log.length < 100_000) log += chunk.toString('utf8');
    const address = /"Listening on".* address=(127\.0\.0\.1:\d+)/.exec(log)?.[1];
    if (address !== undefined) resolve(`http://${address}`);
  });
  return promise.finally(() => {
    clearTimeout(timer);
  });
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: unknown;
}

async function get(
  url: string,
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<unknown> {
  const response = await fetch(
    `${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`,
  );
  const answer = (await response.json()) as Answer;
  if (answer.status === 'success') return answer.data;
  throw new Error(`prometheus: ${answer.error ?? response.status}: ${parameters['query'] ?? path}`);
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

function seriesOf(data: unknown): readonly Series[] {
  const { result } = data as { readonly result: readonly Result[] };
  return result.map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
    metric,
    values: values.map(([time, text]) => [time, Number(text)] as const),
  }));
}

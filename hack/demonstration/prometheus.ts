// A real Prometheus on the node: it scrapes the agent, and is asked what it knows.
import type { NodeAgent } from '../../test/support/node-agent.ts';
import type { TestNode } from '../../test/support/test-node.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const START_MS = 20_000;
/** Its end says why it does not start. */
const MAX_LOG_TOLD = 1000;

/** What has to have changed between the agent's start and the last chapter, in PromQL, and by how much. */
const CHANGES: Readonly<Record<string, number>> = {
  'nodeseal_verdicts_total{source="pull",decision="allow",reason="verified"}': 2,
  'nodeseal_verdicts_total{source="pull",decision="deny",reason="signature_missing"}': 1,
  'nodeseal_verdicts_total{source="reverification",decision="deny",reason="signature_missing"}': 1,
  'nodeseal_images{state="verified",cause="pulled"}': 2,
  'nodeseal_images{state="failed",cause="imported"}': 1,
  'nodeseal_containerd_events_total{event="pull_blocked"}': 1,
};

// Arguments: the agent's host and port.
const PROMETHEUS = `
  cd "$(mktemp -d)"
  printf '%s\\n' 'global: {scrape_interval: 1s}' 'scrape_configs:' \
    "- {job_name: nodeseal, static_configs: [{targets: ['$1']}]}" >prometheus.yml
  exec prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:0 2>&1`;

type Values = ReadonlyMap<string, number>;

/** A Prometheus that scrapes the agent, and what it knew at first. */
export interface Watch {
  readonly url: string;
  readonly before: Values;
}

/** Starts a Prometheus that scrapes the agent every second; it ends with the node. */
export async function startPrometheus(
  narrator: Narrator,
  { node }: Stage,
  agent: NodeAgent,
): Promise<Watch> {
  narrator.chapter('A Prometheus that watches from now on');
  const target = new URL(agent.url).host;
  narrator.command(`prometheus --config.file=prometheus.yml   # scrapes ${target} every second`);
  const url = await listen(node, target);
  await agent.until(
    'Prometheus to have scraped the agent',
    async () => (await query(url, 'up')) === 1,
  );
  narrator.claim(`it runs on ${url} and says of the agent: up 1`, true);
  return { url, before: await ask(url) };
}

/** Checks the page as promtool does, and shows what changed for Prometheus since `before`. */
export async function showMetrics(
  narrator: Narrator,
  { node }: Stage,
  agent: NodeAgent,
  { url, before }: Watch,
): Promise<void> {
  narrator.chapter('The metrics');
  narrator.command(`curl -s ${agent.url}/metrics | promtool check metrics`);
  const page = await (await fetch(`${agent.url}/metrics`)).text();
  const { code, stdout, stderr } = await node.exec(['promtool', 'check', 'metrics'], {
    stdin: page,
  });
  narrator.claim(
    `promtool has nothing to say against ${page.split('\n').length} lines`,
    code === 0 && stdout + stderr === '',
    stdout + stderr,
  );

  narrator.command(`curl -s --data-urlencode query=nodeseal_verdicts_total ${url}/api/v1/query`);
  let after: Values = before;
  const isAsTold = () =>
    Object.entries(CHANGES).every(
      ([name, change]) => (after.get(name) ?? 0) - (before.get(name) ?? 0) === change,
    );
  await agent
    .until('the metrics to change as told', async () => {
      after = await ask(url);
      return isAsTold();
    })
    // The table below tells more than the wait can.
    .catch(() => undefined);
  narrator.output(table(before, after));
  narrator.claim('Prometheus knows what happened on this node', isAsTold(), 'the numbers above');
}

async function listen(node: TestNode, target: string): Promise<string> {
  const child = node.spawn(['sh', '-euc', PROMETHEUS, 'prometheus', target]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let log = '';
  const fail = (what: string): void =>
    reject(
      new Error(`prometheus: expected it to listen, found ${what}: ${log.slice(-MAX_LOG_TOLD)}`),
    );
  const timer = setTimeout(() => fail(`nothing after ${START_MS} ms`), START_MS);
  child.on('error', reject);
  child.on('exit', () => fail('that it ended'));
  // Goes on reading after the port is known, so that it never blocks on its own log.
  child.stdout?.on('data', (chunk: Buffer) => {
    if (log.length < 100_000) log += chunk.toString('utf8');
    const address = /"Listening on".* address=(127\.0\.0\.1:\d+)/.exec(log)?.[1];
    if (address !== undefined) resolve(`http://${address}`);
  });
  return promise.finally(() => clearTimeout(timer));
}

async function ask(url: string): Promise<Values> {
  const names = Object.keys(CHANGES);
  const values = await Promise.all(names.map((name) => query(url, name)));
  return new Map(names.map((name, at) => [name, values[at] ?? 0]));
}

/** The value of an instant query that selects one series at most; 0 for none. */
async function query(url: string, promql: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`);
  // Until it has read its storage it answers 503.
  if (!response.ok) return 0;
  const { data } = (await response.json()) as {
    readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
  };
  return Number(data.result[0]?.value[1] ?? 0);
}

function table(before: Values, after: Values): string {
  const row = (name: string, from: unknown, to: unknown): string =>
    `${name.padEnd(width)}  ${String(from).padStart(6)}  ${String(to).padStart(5)}`;
  const width = Math.max(...[...after.keys()].map((name) => name.length));
  const rows = [...after].map(([name, value]) => row(name, before.get(name), value));
  return [row('metric', 'before', 'after'), ...rows].join('\n');
}

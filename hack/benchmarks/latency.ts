// Bench: how soon after its verdict line is written a pull is in the metrics, while a node pulls far more than any does.
import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createCa } from '../../test/support/ca.ts';
import {
  AGENT_BINDS,
  type NodeAgent,
  SOURCE,
  startNodeAgent,
} from '../../test/support/node-agent.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { type Benchmark, type Measurement, quantile } from './measurement.ts';

const PULLS_PER_SECOND = 200;
const WINDOW_SECONDS = 5;
const WINDOWS = 6;
const PULLS = PULLS_PER_SECOND * WINDOW_SECONDS * WINDOWS;
/** Between two looks at the metrics: what is measured is at most this much too long. */
const LOOK_MS = 20;
/** For what is under way when the last line is written. */
const REST_MS = 10_000;

const ROOT = resolve(import.meta.dirname, '../..');
/** Where the node has them. */
const BUN = '/usr/local/bin/bun';
const SOURCES = '/usr/local/src/nodeseal';
const VERIFIER = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const CONTAINERD = '/usr/bin/containerd';

/** Boots a node with the agent and writes lines as its verifier and its containerd. */
export const LATENCY: Benchmark = {
  about: `verdict line to metric, at ${PULLS_PER_SECOND} pulls a second`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  const bindReadOnly = {
    ...AGENT_BINDS,
    [realpathSync(resolve(ROOT, 'node_modules/.bin/bun'))]: BUN,
    [ROOT]: SOURCES,
  };
  await using node = await bootTestNode({ bindReadOnly });
  await prepare(node);
  const agent = await startNodeAgent(node);
  const before = await pulls(agent);
  const containerd = startWriter(node, CONTAINERD, 'containerd');
  const verifier = startWriter(node, VERIFIER, 'verifier');
  const looks = await lookUntil(agent, before + PULLS);
  const [written] = await Promise.all([verifier, containerd]);
  await agent.stop();
  const latencies = latenciesOf(written, looks, before);
  const windows = Array.from({ length: WINDOWS }, (_, n) =>
    latencies.slice((n * PULLS) / WINDOWS, ((n + 1) * PULLS) / WINDOWS),
  );
  const seconds = ((written.at(-1) ?? NaN) - (written[0] ?? NaN)) / 1000;
  const of = (share: number) => windows.map((window) => quantile(window, share));
  const target = { bound: 'at most', value: 250 } as const;
  return [
    { what: 'pulls written', values: [(PULLS - 1) / seconds], unit: '1/s' },
    { what: 'verdict line to metric, median', values: of(0.5), unit: 'ms' },
    { what: 'verdict line to metric, p99', values: of(0.99), unit: 'ms', target },
  ];
}

async function prepare(node: TestNode): Promise<void> {
  // Eighty times as much as journald takes from a service by default.
  const settings = '[Journal]\nRateLimitIntervalSec=0\n';
  await node.writeFile('/etc/systemd/journald.conf.d/bench.conf', settings);
  await node.output(['systemctl', 'restart', 'systemd-journald']);
  const policy = { version: '1.0', trustPolicies: [STATEMENT] };
  await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policy));
  await node.writeFile(`${SOURCE}/truststore/x509/ca/bench/root.pem`, createCa().root.pem);
}

const STATEMENT = {
  name: 'bench',
  registryScopes: ['*'],
  signatureVerification: { level: 'strict' },
  trustStores: ['ca:bench'],
  trustedIdentities: ['*'],
};

// In containerd's cgroup, and with Bun mounted where the program is, which nobody else sees: for
// journald it is that program.
const WRITE = `
  program=$1 bun=$2; shift 2
  echo $$ >"/sys/fs/cgroup$(systemctl show --property=ControlGroup --value containerd)/cgroup.procs"
  exec unshare --mount sh -euc '
    mount --bind "$1" "$2"; shift; exec "$@"' sh "$bun" "$program" "$@"`;

/** Resolves with when each line was written, in milliseconds since 1970. */
async function startWriter(
  node: TestNode,
  program: string,
  who: string,
): Promise<readonly number[]> {
  const script = `${SOURCES}/hack/benchmarks/log-writer.ts`;
  const args = [script, who, String(PULLS_PER_SECOND), String(PULLS)];
  const child = node.spawn(['sh', '-euc', WRITE, 'write', program, BUN, ...args]);
  const times: number[] = [];
  const ended = endOf(child);
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout })) times.push(Number(line));
  }
  await ended;
  if (times.length !== PULLS) throw new Error(`expected ${PULLS} lines, found ${times.length}`);
  return times;
}

async function endOf(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`writer: expected exit code 0, found ${String(code)}: ${said}`);
}

interface Look {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly count: number;
}

async function lookUntil(agent: NodeAgent, count: number): Promise<readonly Look[]> {
  const looks: Look[] = [];
  const deadline = performance.now() + WINDOWS * WINDOW_SECONDS * 1000 + REST_MS;
  for (;;) {
    const found = await pulls(agent);
    looks.push({ at: performance.timeOrigin + performance.now(), count: found });
    if (found >= count) return looks;
    if (performance.now() > deadline) throw new Error(`expected ${count} pulls, found ${found}`);
    await delay(LOOK_MS);
  }
}

async function pulls(agent: NodeAgent): Promise<number> {
  const page = await (await fetch(`${agent.url}/metrics`)).text();
  const samples = page.matchAll(/^nodeseal_verdicts_total\{source="pull",.*\} (\d+)$/gm);
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

// Lines are read in the order in which they were written, so the look that counts `n` has seen the first `n`.
function latenciesOf(
  written: readonly number[],
  looks: readonly Look[],
  before: number,
): readonly number[] {
  let next = 0;
  return written.map((at, index) => {
    while ((looks[next]?.count ?? Infinity) < before + index + 1) next += 1;
    return (looks[next]?.at ?? NaN) - at;
  });
}

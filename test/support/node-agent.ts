// The built agent running on a test node: what was built here, or with TEST_AGENT=image the image in a container.
import { realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { join, resolve } from 'node:path';
import { containerCommand, IMAGE_IN_NODE, UNPACKED } from './agent-container.ts';
import { parseExposition, type Sample } from './exposition.ts';
import type { TestNode } from './test-node.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Where a test node must have these bound; see `AGENT_BINDS`. */
const PROGRAM = '/usr/local/lib/nodeseal';
/** Node on the node. */
export const NODE = '/usr/local/bin/node';
/** Far above what it takes: a machine that runs other tests as well is slow. */
const READY_MS = 60_000;
/** Between two looks at something that has no event to wait for. */
const POLL_MS = 20;

/** Whether the image is tested; `image-setup.ts` has unpacked it then. */
const IS_IMAGE = isImage(process.env.TEST_AGENT ?? 'build');

/** Pass to `bootTestNode`: the build or the image, and the Node that the project brings. */
export const AGENT_BINDS: Readonly<Record<string, string>> = {
  [resolve(ROOT, 'dist')]: PROGRAM,
  [realpathSync(resolve(ROOT, 'node_modules/.bin/node'))]: NODE,
  ...(IS_IMAGE ? { [join(UNPACKED, 'root')]: IMAGE_IN_NODE } : {}),
};

/** Where the agent's sources of policy and trust are on the node; writing there changes them. */
export const SOURCE = '/srv/nodeseal';

/** What the agent told of itself when it was stopped. */
export interface Ended {
  readonly code: number | null;
  readonly log: readonly string[];
}

/** A running agent. */
export interface NodeAgent {
  readonly url: string;
  /** The samples of `/metrics` now. */
  metrics(): Promise<readonly Sample[]>;
  /** The value of a metric with these labels; 0 when there is no such sample. */
  value(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Waits until `condition` holds; rejects with what it was asked to name. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>;
  /** Rows of the ledger. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Process id on the node. */
  readonly pid: number;
  stop(): Promise<Ended>;
}

/** Runs `nodeseal` with arguments on the node, to its end. */
export function nodeseal(node: TestNode, ...args: readonly string[]) {
  return nodesealWith(node, {}, ...args);
}

/** The same with settings. */
export function nodesealWith(
  node: TestNode,
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
) {
  return node.exec(commandOf(settings, args));
}

const NODE_FLAGS = ['--v8-pool-size=1', '--disable-warning=ExperimentalWarning'];

function commandOf(
  settings: Readonly<Record<string, string>>,
  args: readonly string[],
): readonly string[] {
  if (IS_IMAGE) return containerCommand(args, { environment: settings, directories: [SOURCE] });
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return ['env', ...words, NODE, ...NODE_FLAGS, `${PROGRAM}/nodeseal.js`, ...args];
}

function isImage(mode: string): boolean {
  if (mode === 'image' || mode === 'build') return mode === 'image';
  throw new Error(`TEST_AGENT: expected build or image, found ${mode}`);
}

/** An agent that was started and may be anywhere on its way. */
export interface StartedAgent {
  /** Resolves with where it serves; rejects when it ends before. */
  readonly serving: Promise<{ readonly pid: number; readonly port: number }>;
  readonly ended: Promise<Ended>;
  readonly log: readonly string[];
  /** Kills it and what it started, as the end of its container would. Resolves once it is gone. Not of the image. */
  kill(): Promise<void>;
}

/** Starts the agent with the sources at `SOURCE`. */
export function spawnNodeAgent(
  node: TestNode,
  settings: Readonly<Record<string, string>> = {},
): StartedAgent {
  const variables = {
    // As the image has it, which says why.
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '16384',
    NODESEAL_POLICY_SOURCE: `${SOURCE}/policy.json`,
    NODESEAL_TRUSTSTORE_SOURCE: `${SOURCE}/truststore`,
    NODESEAL_LISTEN: '127.0.0.1:0',
    // Nobody else asks the registries of a test.
    NODESEAL_REVERIFY_SPREAD: '1s',
    NODESEAL_REVERIFY_RATE: '1000',
    ...settings,
  };
  const child = node.spawn([
    ...['sh', '-c', 'echo "{\\"pid\\":$$}"; exec "$@"', 'agent'],
    ...commandOf(variables, ['run']),
  ]);
  const log: string[] = [];
  const serving = Promise.withResolvers<{ pid: number; port: number }>();
  const ended = Promise.withResolvers<Ended>();
  // Nobody waits for it who kills the agent first.
  serving.promise.catch(() => undefined);
  child.on('close', (code) => {
    ended.resolve({ code, log });
    serving.reject(new Error(`nodeseal run ended with ${code}: ${log.join('\n')}`));
  });
  let pid = 0;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log.push(line);
      const entry = parse(line);
      pid = typeof entry['pid'] === 'number' ? entry['pid'] : pid;
      if (entry['msg'] === 'running') serving.resolve({ pid, port: Number(entry['port']) });
    });
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended.promise;
  };
  return { serving: serving.promise, ended: ended.promise, log, kill };
}

/** Starts the agent, and waits until it is ready. */
export async function startNodeAgent(
  node: TestNode,
  settings: Readonly<Record<string, string>> = {},
): Promise<NodeAgent> {
  const { serving, ended, log } = spawnNodeAgent(node, settings);
  const { pid, port } = await serving;
  const stop = async () => {
    // On the node, to the process itself: a signal to the child would end what reports its exit code.
    await node.exec(['kill', '-TERM', String(pid)]);
    return ended;
  };
  const agent = { ...nodeAgentAt(node, `http://127.0.0.1:${port}`), pid, stop };
  await agent.until(
    `the agent to be ready: ${log.join('\n')}`,
    // Whoever is busy starting may close a connection that was kept for the next question.
    async () => (await fetch(`${agent.url}/readyz`).catch(() => null))?.ok === true,
  );
  return agent;
}

/** An agent that somebody else has started, and stops. */
export function nodeAgentAt(node: TestNode, url: string): Omit<NodeAgent, 'pid' | 'stop'> {
  const metrics = async () => {
    const response = await fetch(`${url}/metrics`);
    return parseExposition(await response.text()).samples;
  };
  return {
    url,
    metrics,
    value: async (name, labels = {}) => {
      const wanted = Object.entries(labels);
      const fits = (sample: Sample) =>
        sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value);
      return (await metrics()).filter(fits).reduce((sum, { value }) => sum + value, 0);
    },
    until,
    query: (sql) => queryLedger(node, sql),
  };
}

/** Rows of the ledger on a node, whether or not an agent runs there. */
export async function queryLedger(
  node: TestNode,
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const script = `const { DatabaseSync } = require('node:sqlite');
    const ledger = new DatabaseSync('/var/lib/nodeseal/ledger.sqlite', { readOnly: true });
    console.log(JSON.stringify(ledger.prepare(process.argv[1]).all()));`;
  const rows = await node.output([NODE, ...NODE_FLAGS, '-e', script, sql]);
  return JSON.parse(rows) as readonly Readonly<Record<string, unknown>>[];
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`expected ${what} within ${READY_MS} ms`);
    await delay(POLL_MS);
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}

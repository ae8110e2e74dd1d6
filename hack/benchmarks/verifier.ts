// Bench: the pull verifier against `notation verify` of the same images, and against an empty program of its runtime.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AGENT_BINDS, SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import { startTestRegistry, type TestRegistry } from '../../test/support/registry.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { DISTANT_NAME, startDistantRegistry } from './distant-registry.ts';
import { type Benchmark, type Measurement, median, ratios } from './measurement.ts';
import { peakMemory } from './peak-memory.ts';
import { DESCRIPTOR_TYPE, inTurns, type Pull, report, VERIFIER_PATH } from './pulls-in-turns.ts';
import { pushSignedImage, writeTrust } from './signed-images.ts';

const run = promisify(execFile);
const BUN = fileURLToPath(new URL('../../node_modules/.bin/bun', import.meta.url));
const NOTATION_HOME = '/root/.config/notation';
/** Where the node has what the agent and `notation` trust of the distant registry. */
const CA_FILE = '/srv/registry-ca.pem';
const EMPTY_PROGRAM = '/usr/local/lib/empty-program';
/** Written as the empty program is: how a file came into memory decides how much of it counts. */
const COPIED_VERIFIER = '/usr/local/lib/copied-verifier';
const IMAGES = 41;
const FAR_IMAGES = 16;
/** Each of them takes `notation` hundreds of requests. */
const MUCH_SIGNED_IMAGES = 7;
const SIGNATURES = 100;
const ROUND_TRIP_MS = 20;
const MEMORY_ROUNDS = 15;

/** Boots a node, measures both programs in turns, and stops it. */
export const VERIFIER: Benchmark = {
  about: 'one verdict of the pull verifier on a signed image',
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  await writeTrust(node, SOURCE);
  await writeTrust(node, NOTATION_HOME, 'trustpolicy.json');
  return [...(await near(node)), ...(await far(node))];
}

/** The registry on the same machine. */
async function near(node: TestNode): Promise<Measurement[]> {
  const registry = await startTestRegistry();
  try {
    const { pulls, last, first } = fill(registry);
    const [one] = pulls;
    if (one === undefined) throw new TypeError('no image');
    const agent = await startNodeAgent(node);
    const up = [
      ...report('agent up, first time', await inTurns(node, pulls), 0.6),
      ...report('agent up, judged before', await inTurns(node, pulls, { warm: 'all' }), 0.5),
      ...report(`${SIGNATURES} signatures, last good`, await inTurns(node, last), 0.2),
      ...report(`${SIGNATURES} signatures, first good`, await inTurns(node, first), 0.3),
    ];
    await putEmptyProgram(node);
    const floor = await inTurns(node, pulls, { program: EMPTY_PROGRAM });
    const empty = await peakMemory(node, MEMORY_ROUNDS, [EMPTY_PROGRAM]);
    const memoryUp = await verifierMemory(node, one, MEMORY_ROUNDS);
    await agent.stop();
    const down = report('agent down', await inTurns(node, pulls), 1.5);
    const memoryDown = await verifierMemory(node, one, MEMORY_ROUNDS);
    return [
      ...up,
      ...down,
      { what: 'notation verify, beside an empty program', unit: 'ms', values: floor.notationMs },
      { what: 'empty program', unit: 'ms', values: floor.verifierMs },
      {
        what: 'ratio, empty program',
        unit: 'x',
        values: ratios(floor.verifierMs, floor.notationMs),
      },
      { what: 'peak memory, empty program', unit: 'MB', values: empty },
      ...memoryReport('agent up', memoryUp, empty, 1.5),
      ...memoryReport('agent down', memoryDown, empty, 3),
    ];
  } finally {
    await registry.close();
  }
}

/** The registry far away, behind TLS and a token service. */
async function far(node: TestNode): Promise<Measurement[]> {
  const registry = await startDistantRegistry(ROUND_TRIP_MS);
  try {
    await node.writeFile(CA_FILE, registry.ca);
    await node.output(['sh', '-euc', `echo '127.0.0.1 ${DISTANT_NAME}' >>/etc/hosts`]);
    const images = (repositoryOf: (n: number) => string) =>
      Array.from({ length: FAR_IMAGES }, (_, n) =>
        pullOf(registry.content, repositoryOf(n), n, registry.host),
      );
    const pulls = images(() => 'far/app');
    const apart = images((n) => `far/app-${n}`);
    const agent = await startNodeAgent(node, { NODESEAL_REGISTRY_CA: CA_FILE });
    const when = `${ROUND_TRIP_MS} ms away`;
    const measured = [
      // List, manifest and envelope: each is known from the one before.
      ...report(`${when}, first time`, await inTurns(node, pulls, { ca: CA_FILE }), 0.4),
      // And a token before them, of which nobody knows before that it will be wanted.
      ...report(`${when}, first of its repository`, await inTurns(node, apart, { ca: CA_FILE })),
      ...report(
        `${when}, judged before`,
        await inTurns(node, pulls, { ca: CA_FILE, warm: 'all' }),
        0.1,
      ),
    ];
    await agent.stop();
    return measured;
  } finally {
    await registry.close();
  }
}

function fill(registry: TestRegistry) {
  const much = (good: number, name: string) =>
    Array.from({ length: MUCH_SIGNED_IMAGES }, (_, n) =>
      pullOf(registry, `${name}/app-${n}`, n, registry.host, { signatures: SIGNATURES, good }),
    );
  return {
    pulls: Array.from({ length: IMAGES }, (_, n) =>
      pullOf(registry, `near/app-${n}`, n, registry.host),
    ),
    last: much(SIGNATURES - 1, 'last'),
    first: much(0, 'first'),
  };
}

/** Each asks for a token that is for its repository alone. */
export function pullOf(
  registry: TestRegistry,
  name: string,
  n: number,
  host: string,
  signed: { readonly signatures?: number; readonly good?: number } = {},
): Pull {
  return {
    repository: `${host}/${name}`,
    descriptor: pushSignedImage(registry, name, n, signed),
  };
}

/** Megabytes of each of several runs. */
export async function verifierMemory(
  node: TestNode,
  { repository, descriptor }: Pull,
  rounds: number,
): Promise<readonly number[]> {
  await copyFile(node.path(VERIFIER_PATH), node.path(COPIED_VERIFIER));
  const args = ['-name', `${repository}:v1`, '-digest', descriptor.digest];
  const command = [COPIED_VERIFIER, ...args, '-stdin-media-type', DESCRIPTOR_TYPE];
  return peakMemory(node, rounds, command, JSON.stringify(descriptor));
}

/** The same of a program that does nothing. */
export async function emptyProgramMemory(
  node: TestNode,
  rounds: number,
): Promise<readonly number[]> {
  await putEmptyProgram(node);
  return peakMemory(node, rounds, [EMPTY_PROGRAM]);
}

/** What no program of the verifier's runtime is faster or smaller than. */
async function putEmptyProgram(node: TestNode): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  try {
    await writeFile(join(folder, 'empty.js'), '');
    await run(BUN, ['build', 'empty.js', '--compile', '--outfile', 'empty'], { cwd: folder });
    await copyFile(join(folder, 'empty'), node.path(EMPTY_PROGRAM));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function memoryReport(
  when: string,
  values: readonly number[],
  empty: readonly number[],
  atMost: number,
): Measurement[] {
  const target = { bound: 'at most', value: atMost } as const;
  const ratio = values.map((value) => value / median(empty));
  return [
    { what: `peak memory, ${when}`, unit: 'MB', values },
    { what: `ratio of memory, ${when}`, unit: 'x', values: ratio, target },
  ];
}

// What a run of cases shares: registries, a directory, notation, and our verifier.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { createHostVerifier } from '../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { startTestRegistry, type TestRegistry } from '../support/registry.ts';
import { installPlugin } from '../support/verification-plugin.ts';
import type { Case, Entry, Listing, Setup } from './kind.ts';
import { type EvidenceServer, startEvidenceServer } from './evidence-server.ts';
import { askNotation, type NotationAnswer } from './notation.ts';

/** What the two programs answered to one case. */
export interface Answers {
  readonly setup: Setup;
  readonly notation: NotationAnswer;
  readonly nodeseal: Verdict;
}

/** A case whose image and signatures are in the registry. */
export interface BuiltCase {
  readonly one: Case;
  readonly setup: Setup;
  /** Of its own, for policy, trust stores and plugins. */
  readonly directory: string;
}

const LISTINGS: Readonly<Record<Listing, Parameters<typeof startTestRegistry>[0]>> = {
  referrers: {},
  pages: { pageSize: 2 },
  tag: { referrers: false },
  unfiltered: { filters: false },
};
const OUR_TIMEOUT_MS = 60_000;

/** Registries on loopback and a directory, until it is disposed of. */
export class World implements AsyncDisposable {
  readonly #notation: readonly [string, ...string[]];
  readonly #root: string;
  readonly #registries: Readonly<Record<Listing, TestRegistry>>;
  readonly #evidence: EvidenceServer;
  #cases = 0;

  private constructor(
    notation: readonly [string, ...string[]],
    root: string,
    registries: Readonly<Record<Listing, TestRegistry>>,
    evidence: EvidenceServer,
  ) {
    this.#notation = notation;
    this.#root = root;
    this.#registries = registries;
    this.#evidence = evidence;
  }

  static async open(notation: readonly [string, ...string[]]): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), 'nodeseal-differential-'));
    const registries = {
      referrers: await startTestRegistry(LISTINGS.referrers),
      pages: await startTestRegistry(LISTINGS.pages),
      tag: await startTestRegistry(LISTINGS.tag),
      unfiltered: await startTestRegistry(LISTINGS.unfiltered),
    };
    return new World(notation, root, registries, await startEvidenceServer());
  }

  /** Builds what a case is about, in its registry; nothing is on disk yet. */
  build(one: Case): BuiltCase {
    const number = ++this.#cases;
    const registry = this.#registries[one.listing];
    const repository = `case-${number}/app`;
    const image = registry.pushImage(repository, 'v1', repository);
    const scope = `${registry.host}/${repository}`;
    const { serve } = this.#evidence;
    const setup = one.build({ registry, repository, image, scope, serve, now: new Date() });
    for (const attach of setup.signatures) attach({ registry, repository, image });
    return { one, setup, directory: join(this.#root, String(number)) };
  }

  /** Asks both about a case, one after the other. */
  async ask({ setup, directory }: BuiltCase): Promise<Answers> {
    const configuration = join(directory, 'notation');
    await arrange(configuration, setup);
    const notation = await askNotation(this.#notation, directory, setup.reference);
    const nodeseal = await askNodeseal(configuration, setup.reference);
    await rm(directory, { recursive: true });
    return { setup, notation, nodeseal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [...Object.values(this.#registries), this.#evidence];
    await Promise.all(servers.map((server) => server.close()));
    await rm(this.#root, { recursive: true, force: true });
  }
}

async function arrange(directory: string, { policy, stores, plugins }: Setup): Promise<void> {
  await mkdir(join(directory, 'truststore/x509'), { recursive: true });
  if (policy !== null) await put(join(directory, 'trustpolicy.json'), policy);
  for (const [path, entry] of Object.entries(stores)) {
    await put(join(directory, 'truststore/x509', path), entry);
  }
  for (const plugin of plugins) installPlugin(join(directory, 'plugins'), plugin);
}

async function put(path: string, entry: Entry): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (entry === 'directory') await mkdir(path, { recursive: true });
  else if ('link' in entry) await symlink(entry.link, path);
  // As notation asks of a policy: its owner's alone.
  else await writeFile(path, entry, { mode: 0o600 });
}

async function askNodeseal(directory: string, reference: string): Promise<Verdict> {
  const verifier = createHostVerifier({
    policyFile: join(directory, 'trustpolicy.json'),
    truststoreDir: join(directory, 'truststore'),
    registry: { createTransport: createPooledTransport, plainHttp: [] },
    pluginDir: join(directory, 'plugins'),
  });
  try {
    return await verifier.verify({ name: reference }, AbortSignal.timeout(OUR_TIMEOUT_MS));
  } finally {
    await verifier.close();
  }
}

// The hosts of a registry in turn: mirrors as containerd tries them, and the registry itself, whose word counts.
import { withDeadline } from '../../../deadline.ts';
import { AgentError } from '../../../errors.ts';
import type { RegistryLimits } from '../limits.ts';
import type { Referrers } from '../referrers.ts';
import type { RepositoryName } from '../session.ts';
import type { HostMemory } from './host-memory.ts';
import type { RegistryHost } from './registry-host.ts';

/** One question, to be put to any host. */
export type Ask<T> = (host: RegistryHost, signal: AbortSignal) => Promise<T>;

/** What it is put with. */
export interface Turn {
  readonly repository: RepositoryName;
  /** Mirrors in order, and last what serves the registry. */
  readonly hosts: readonly RegistryHost[];
  readonly memory: HostMemory;
  readonly limits: Pick<RegistryLimits, 'mirrorMs'>;
}

/**
 * The first answer. As for containerd the next host is asked after any failure of one; if all fail,
 * that of the registry itself is thrown. Content is asked for first where its listing came from.
 */
export async function askInTurn<T>(turn: Turn, ask: Ask<T>, signal: AbortSignal): Promise<T> {
  const failures = new Failures(turn);
  for (const host of inOrder(turn)) {
    try {
      return await askOne(turn, host, ask, signal);
    } catch (error) {
      failures.note(host, error, signal);
    }
  }
  throw failures.decisive();
}

/**
 * The first listing that is not empty. Mirrors often drop referrers, so that none at one says
 * nothing; whether there are none is for the registry itself to say.
 */
export async function listInTurn(
  turn: Turn,
  list: Ask<Referrers>,
  signal: AbortSignal,
): Promise<Referrers> {
  const failures = new Failures(turn);
  const registry = turn.hosts.at(-1);
  for (const host of inOrder(turn)) {
    try {
      const listed = await askOne(turn, host, list, signal);
      if (listed.descriptors.length > 0) turn.memory.noteListing(turn.repository, host);
      if (host === registry) return listed;
      if (listed.descriptors.length > 0) return { ...listed, source: 'mirror' };
    } catch (error) {
      failures.note(host, error, signal);
    }
  }
  throw failures.decisive();
}

/** What has just been silent comes last; it may be all that there is in a closed network. */
function inOrder({ repository, hosts, memory }: Turn): readonly RegistryHost[] {
  if (hosts.length < 2) return hosts;
  const rank = (host: RegistryHost, at: number) => {
    if (at < hosts.length - 1 && memory.isSilent(host)) return 2;
    return memory.hasListed(repository, host) ? 0 : 1;
  };
  const ranks = new Map(hosts.map((host, at) => [host, rank(host, at)]));
  return [...hosts].sort((one, other) => (ranks.get(one) ?? 0) - (ranks.get(other) ?? 0));
}

async function askOne<T>(
  { hosts, memory, limits }: Turn,
  host: RegistryHost,
  ask: Ask<T>,
  signal: AbortSignal,
): Promise<T> {
  if (host === hosts.at(-1)) return ask(host, signal);
  try {
    return await withDeadline(signal, limits.mirrorMs, (within) => ask(host, within));
  } catch (error) {
    const isSilent = error instanceof AgentError && SILENCE.has(error.code);
    if (isSilent && !signal.aborted) memory.noteSilence(host);
    throw error;
  }
}

const SILENCE: ReadonlySet<string> = new Set([
  'registry_unreachable',
  'registry_timeout',
  'deadline_exceeded',
]);

class Failures {
  readonly #turn: Turn;
  #last: unknown;
  #ofRegistry: unknown;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Throws what no other host can make good: the end of the time, and faults of our own. */
  note(host: RegistryHost, error: unknown, signal: AbortSignal): void {
    if (!(error instanceof AgentError) || signal.aborted) throw error;
    this.#last = error;
    if (host === this.#turn.hosts.at(-1)) this.#ofRegistry = error;
  }

  decisive(): unknown {
    const { registry } = this.#turn.repository;
    return (
      this.#ofRegistry ??
      this.#last ??
      new AgentError(
        'registry_hosts_invalid',
        `hosts of registry ${registry}: expected one with the capability that is asked for, found none`,
      )
    );
  }
}

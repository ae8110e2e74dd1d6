// Who wrote a journal entry, by the fields that only journald can write.
import type { JournalEntry } from './entry.ts';

/** What the node's real writers look like. */
export interface JournalWriters {
  /** Default `containerd.service`; k3s and RKE2 run containerd inside their own unit. */
  readonly unit: string;
  /** Absolute path that containerd executes, i.e. inside its `bin_dir`. */
  readonly verifierPath: string;
  /** The same where it was before `bin_dir` moved; it may grow. */
  readonly otherVerifierPaths?: ReadonlySet<string>;
  /** containerd's `per_verifier_timeout`. Default: its default. */
  readonly verifierTimeoutMs?: number | undefined;
}

/** `distribution`: k3s or RKE2, which may relay lines of the containerd inside it between its own. */
export type EntrySource = 'verifier' | 'containerd' | 'distribution' | 'other';

// The kernel appends it once the file was replaced, as every upgrade by rename does.
const DELETED = ' (deleted)';

/** By the start of their units' names. k3s is containerd too: one program that goes by many names. */
const DISTRIBUTIONS = ['k3s', 'rke2'] as const;

/**
 * Tells whether our verifier or containerd itself wrote the entry. All three of unit (the writer's
 * cgroup), uid and exe must fit: a container may have a program at the same path, or run as root,
 * but not in containerd's cgroup; a shim is in that cgroup, but is another program. An entry whose
 * writer was gone before journald looked has no exe and is `other`.
 *
 * Not covered: containerd copies raw output of its shims to its own stderr, so an entry of
 * `containerd` may hold a line that containerd did not compose.
 */
export function sourceOf(entry: JournalEntry, writers: JournalWriters): EntrySource {
  if (entry.unit !== writers.unit || entry.uid !== 0 || entry.exe === undefined) return 'other';
  const exe = entry.exe.endsWith(DELETED) ? entry.exe.slice(0, -DELETED.length) : entry.exe;
  const { verifierPath, otherVerifierPaths } = writers;
  if (exe === verifierPath || otherVerifierPaths?.has(exe) === true) return 'verifier';
  if (exe.endsWith('/containerd')) return 'containerd';
  const isDistribution = DISTRIBUTIONS.some(
    (name) => exe.endsWith(`/${name}`) && isUnitOf(name, writers.unit),
  );
  return isDistribution ? 'distribution' : 'other';
}

// k3s.service, k3s-agent.service, rke2-server.service, rke2-agent.service.
function isUnitOf(name: string, unit: string): boolean {
  return unit === `${name}.service` || (unit.startsWith(`${name}-`) && unit.endsWith('.service'));
}

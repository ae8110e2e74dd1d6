// All that certs.d says, looked through for what an operator must know of before a pull meets it.
import { AgentError } from '../../../errors.ts';
import { type HostsPlace, loadHosts } from './load-hosts.ts';

/** What was found. */
export interface HostsSurvey {
  /** Hosts whose certificates are not looked at, as `DIRECTORY: ROOT`. */
  readonly unverified: readonly string[];
  /** What cannot be used, one for each directory. */
  readonly faults: readonly AgentError[];
}

/** More directories than any node has. */
const MAX_DIRECTORIES = 1_000;

/** Never rejects for what is there. */
export async function surveyHosts({ files, roots }: HostsPlace): Promise<HostsSurvey> {
  const unverified: string[] = [];
  const faults: AgentError[] = [];
  const note = (error: unknown) => {
    if (!(error instanceof AgentError)) throw error;
    faults.push(error);
  };
  for (const root of roots()) {
    const names = await files.list(root).catch(() => null);
    for (const name of [...(names ?? [])].sort().slice(0, MAX_DIRECTORIES)) {
      try {
        const { hosts, fault } = await loadHosts({ files, roots: () => [root] }, registryOf(name));
        if (fault !== undefined) note(fault);
        const open = hosts.filter(({ connection }) => connection?.skipVerify === true);
        unverified.push(...open.map((host) => `${root}/${name}: ${host.root.href}`));
      } catch (error) {
        note(error);
      }
    }
  }
  return { unverified, faults };
}

/** The registry that a directory is for; that of `_default` is any without its own. */
function registryOf(name: string): string {
  if (name === '_default') return 'registry.invalid';
  return name.replace(/_(\d+)_$/, ':$1');
}

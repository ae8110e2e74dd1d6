// Which origin serves a registry: the host behind its name, and whether it is spoken to in the clear.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/**
 * Whether a registry is spoken to over plain HTTP, or `undefined` for the default: loopback is,
 * as for containerd, and nothing else.
 */
export type PlainHttp = (registry: string) => boolean | undefined;

/** Docker Hub's name in references is not the host that serves it. */
const SERVED_BY: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']]);

/**
 * The origin of a registry as references spell it, with `/` as its path. Throws
 * `reference_invalid` for what looks like a host and is none, such as `registry:99999`.
 */
export function endpointOf(registry: string, plainHttp?: PlainHttp): URL {
  const scheme = (plainHttp?.(registry) ?? isLoopback(registry)) ? 'http' : 'https';
  const url = URL.parse(`${scheme}://${SERVED_BY.get(registry) ?? registry}/`);
  if (url !== null) return url;
  throw new AgentError(
    'reference_invalid',
    `registry ${show(registry)}: expected a host with an optional port, found none`,
  );
}

/** As containerd tells which registries are on this machine. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return (
    host === 'localhost' ||
    host === '[::1]' ||
    // The whole of 127.0.0.0/8, but no name that only begins like it.
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

// Registry scopes that are valid, but that the names containerd gives to images do not equal.
import { GLOBAL_SCOPE } from './scope.ts';
import type { Findings } from './findings.ts';

/** The name that images of Docker Hub have, and an older one that is written out as this. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_BEFORE = 'index.docker.io';

/** Ports that a client speaks to when none is written, by https and http. */
const DEFAULT_PORT = /:(?:443|80)$/;

/** Notes why a scope matches no image that is pulled, or fewer than one may think. */
export function warnOfScope(scope: string, place: string, findings: Findings): void {
  const slash = scope.indexOf('/');
  if (scope === GLOBAL_SCOPE || slash < 0) return;
  const host = scope.slice(0, slash);
  const name = pulledAs(host, scope.slice(slash + 1));
  if (name !== scope) {
    findings.warn(
      place,
      `containerd names this repository ${name}, so the scope matches no image that is pulled`,
    );
  }
  if (host !== host.toLowerCase()) {
    findings.warn(
      place,
      `it does not match ${host.toLowerCase()}, as scopes are compared with regard to case`,
    );
  }
  if (DEFAULT_PORT.test(host)) {
    findings.warn(
      place,
      `it does not match ${host.replace(DEFAULT_PORT, '')}, as a name with a port is another name`,
    );
  }
}

/**
 * How containerd's CRI writes a repository out before it pulls: a first component that cannot be a
 * host is of Docker Hub, and there a single component is in `library`.
 */
function pulledAs(host: string, path: string): string {
  const isHost = /[.:]/.test(host) || host === 'localhost' || host !== host.toLowerCase();
  if (!isHost) return `${DOCKER_HUB}/${host}/${path}`;
  if (host !== DOCKER_HUB && host !== DOCKER_HUB_BEFORE) return `${host}/${path}`;
  return `${DOCKER_HUB}/${path.includes('/') ? '' : 'library/'}${path}`;
}

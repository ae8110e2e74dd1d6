// The whole name of an image, as kubelet makes it of what a pod says before it asks containerd to pull.

/**
 * The names of images are short for those of one registry: `nginx` is `docker.io/library/nginx:latest`.
 * Kubelet, and no registry, decides that, so the policy statement of the pull is the one found here. What
 * is no name at all comes back as no name at all.
 */
export function wholeImageName(text: string): string {
  const named = withRegistry(text);
  const beyondHost = named.slice(named.indexOf('/') + 1);
  return /[:@]/.test(beyondHost) ? named : `${named}:latest`;
}

const DEFAULT_REGISTRY = 'docker.io';
/** Another name of it that is as old. */
const LEGACY_REGISTRY = 'index.docker.io';

function withRegistry(text: string): string {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const [registry, rest] = isRegistry(first)
    ? [first, text.slice(slash + 1)]
    : [DEFAULT_REGISTRY, text];
  if (registry !== DEFAULT_REGISTRY && registry !== LEGACY_REGISTRY) return text;
  return `${DEFAULT_REGISTRY}/${rest.includes('/') ? rest : `library/${rest}`}`;
}

/** Repositories are in lower case: what is not cannot be the first part of one. */
function isRegistry(text: string): boolean {
  return /[.:]/.test(text) || text === 'localhost' || text !== text.toLowerCase();
}

// Image references: OCI distribution specification, "Pulling manifests", with the registry spelled out.
import { AgentError } from '../errors.ts';
import { type Digest, parseDigest } from './digest.ts';
import { show } from './show.ts';

/** A repository in a registry, and the tag or digest it was named with. */
export interface Reference {
  /** Host with optional port, as the trust policy's scopes spell it. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** Docker and containerd refuse longer names; the bound also keeps the matching below cheap. */
export const MAX_REFERENCE_LENGTH = 1024;
const MAX_REPOSITORY_LENGTH = 255;

const HOST =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Parses `registry/repository[:tag][@digest]`. The registry must be written out: a short name such
 * as `busybox` is refused, because guessing a registry would guess a trust policy statement.
 * Throws `reference_invalid`, or `digest_invalid` for the digest.
 */
export function parseReference(text: string): Reference {
  if (text.length > MAX_REFERENCE_LENGTH) {
    throw invalid(text, `at most ${MAX_REFERENCE_LENGTH} characters, found ${text.length}`);
  }
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1), `digest of ${show(text)}`);
  const slash = named.indexOf('/');
  if (slash < 0) throw invalid(text, 'registry/repository, found no "/"');
  const registry = named.slice(0, slash);
  const rest = named.slice(slash + 1);
  const colon = rest.lastIndexOf(':');
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!isHost(registry)) throw invalid(text, `a registry host, found ${show(registry)}`);
  if (!isRepositoryPath(repository)) {
    throw invalid(
      text,
      `a lower-case repository path of at most ${MAX_REPOSITORY_LENGTH} characters, found ${show(repository)}`,
    );
  }
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `a tag, found ${show(tag)}`);
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Tells whether a string is `registry/repository` as a reference could name it: what a registry
 * scope of a trust policy must be to ever match.
 */
export function isRepository(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0 || text.length > MAX_REFERENCE_LENGTH) return false;
  return isHost(text.slice(0, slash)) && isRepositoryPath(text.slice(slash + 1));
}

/** `registry/repository`: what registry scopes are matched against. */
export function repositoryOf(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** `registry/repository@digest`: the only form that verification acts on. */
export function pinned(reference: Reference, digest: Digest): string {
  return `${repositoryOf(reference)}@${digest}`;
}

function isHost(text: string): boolean {
  return HOST.test(text);
}

function isRepositoryPath(text: string): boolean {
  if (text.length > MAX_REPOSITORY_LENGTH) return false;
  return text.split('/').every((component) => COMPONENT.test(component));
}

function invalid(text: string, expected: string): AgentError {
  return new AgentError('reference_invalid', `image reference ${show(text)}: expected ${expected}`);
}

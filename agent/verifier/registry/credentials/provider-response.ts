// What kubelet and a credential provider plugin say to each other: credentialprovider.kubelet.k8s.io. Pure.
import { AgentError } from '../../../errors.ts';
import { parseGoDuration } from '../../../go-duration.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import { isJsonObject } from '../../../oci/json-object.ts';
import { show } from '../../../oci/show.ts';
import type { Secret } from './credential.ts';
import type { CredentialProvider } from './provider-config.ts';

/** For what else a response holds: this image, all of its registry, or all there are. */
const CACHE_KEY_TYPES = ['Image', 'Registry', 'Global'] as const;
export type CacheKeyType = (typeof CACHE_KEY_TYPES)[number];

export interface ProviderResponse {
  readonly cacheKeyType: CacheKeyType;
  /** How long it may be kept; undefined where the configuration says. */
  readonly cacheMs: number | undefined;
  /** By the registries and repositories that they are for. */
  readonly secrets: readonly (readonly [name: string, secret: Secret])[];
}

/** Of standard output: some hundred tokens of several KiB. */
export const MAX_PROVIDER_RESPONSE_BYTES = 1024 * 1024;

/** What a plugin is told of a service account. */
export interface AccountRequest {
  /** A secret. */
  readonly serviceAccountToken: string;
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

/** What a plugin reads from standard input. */
export function encodeProviderRequest(
  { apiVersion }: CredentialProvider,
  image: string,
  account?: AccountRequest,
): string {
  return JSON.stringify({ apiVersion, kind: 'CredentialProviderRequest', image, ...account });
}

/**
 * Parses what a plugin wrote; `what` names it. It must speak the version that it was asked in. Throws
 * `credential_program_failed`, which quotes no secret.
 */
export function parseProviderResponse(
  document: Uint8Array,
  { apiVersion }: CredentialProvider,
  what: string,
): ProviderResponse {
  const maxBytes = MAX_PROVIDER_RESPONSE_BYTES;
  const value = parseStrictJson(document, { what, code: 'credential_program_failed', maxBytes });
  if (!isJsonObject(value)) throw failed(what, 'expected an object, found something else');
  if (value['apiVersion'] !== apiVersion) {
    const found = show(value['apiVersion']);
    throw failed(what, `apiVersion: expected ${apiVersion}, found ${found}`);
  }
  if (value['kind'] !== 'CredentialProviderResponse') {
    const found = show(value['kind']);
    throw failed(what, `kind: expected CredentialProviderResponse, found ${found}`);
  }
  const cacheKeyType = CACHE_KEY_TYPES.find((type) => type === value['cacheKeyType']);
  if (cacheKeyType === undefined) {
    const found = show(value['cacheKeyType']);
    throw failed(what, `cacheKeyType: expected ${CACHE_KEY_TYPES.join(', ')}, found ${found}`);
  }
  const cacheMs = cacheMsOf(value['cacheDuration'], what);
  return { cacheKeyType, cacheMs, secrets: secretsOf(value['auth'] ?? {}, what) };
}

function cacheMsOf(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const cacheMs = typeof value === 'string' ? parseGoDuration(value) : null;
  if (cacheMs !== null && cacheMs !== Infinity) return Math.max(cacheMs, 0);
  throw failed(what, `cacheDuration: expected one such as 12h, found ${show(value)}`);
}

function secretsOf(value: unknown, what: string): (readonly [string, Secret])[] {
  if (!isJsonObject(value)) throw failed(what, 'auth: expected an object, found something else');
  return Object.entries(value).flatMap(([name, entry]) => {
    const { username = '', password = '' } = isJsonObject(entry) ? entry : { username: null };
    if (typeof username !== 'string' || typeof password !== 'string') {
      throw failed(what, `auth of ${show(name)}: expected a user name and a password`);
    }
    if (username === '' && password === '') return [];
    return [[name, { kind: 'basic', username, password }] as const];
  });
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('credential_program_failed', `${what}: ${fault}`);
}

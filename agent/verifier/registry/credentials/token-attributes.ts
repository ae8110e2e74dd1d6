// When a provider plugin is given a token of the pod's service account: `tokenAttributes` of
// kubelet's configuration (Kubernetes 1.33). Pure.
import { AgentError } from '../../../errors.ts';
import { isJsonObject } from '../../../oci/json-object.ts';
import { show } from '../../../oci/show.ts';

export interface TokenAttributes {
  /** Whom the token is for. */
  readonly audience: string;
  /** For what an answer is kept: for an account, or for one token alone. */
  readonly cacheType: CacheType;
  /** False: it is run for pods without an account, too, such as static ones, without a token. */
  readonly requiresAccount: boolean;
  /** Annotations of the account that it is told; it is not run for an account that lacks one. */
  readonly requiredAnnotations: readonly string[];
  readonly optionalAnnotations: readonly string[];
}

const CACHE_TYPES = ['ServiceAccount', 'Token'] as const;
type CacheType = (typeof CACHE_TYPES)[number];

/** Clouds ask for a client and a tenant. */
const MAX_KEYS = 64;
/** Kubernetes' form of annotations' keys, in any case. */
const KEY =
  /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z0-9](?:[-a-z0-9_.]{0,61}[a-z0-9])?$/i;
/** The only version whose requests have a place for a token. */
const TOKEN_VERSION = 'credentialprovider.kubelet.k8s.io/v1';

/** Narrows them by kubelet's rules; undefined where there are none. Throws `credentials_invalid`. */
export function parseTokenAttributes(
  value: unknown,
  apiVersion: string,
  what: string,
): TokenAttributes | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw invalid(what, `expected an object, found ${show(value)}`);
  if (apiVersion !== TOKEN_VERSION) {
    throw invalid(what, `expected none with ${apiVersion}, only with ${TOKEN_VERSION}`);
  }
  const { serviceAccountTokenAudience: audience, requireServiceAccount: requiresAccount } = value;
  if (typeof audience !== 'string' || audience === '') {
    throw invalid(what, 'serviceAccountTokenAudience: expected a text, found none');
  }
  if (typeof requiresAccount !== 'boolean') {
    throw invalid(
      what,
      `requireServiceAccount: expected true or false, found ${show(requiresAccount)}`,
    );
  }
  const required = keysOf(value['requiredServiceAccountAnnotationKeys'], what);
  const optional = keysOf(value['optionalServiceAccountAnnotationKeys'], what);
  if (!requiresAccount && required.length > 0) {
    throw invalid(
      what,
      'requireServiceAccount: expected true with required annotations, found false',
    );
  }
  if (optional.some((key) => required.includes(key))) {
    throw invalid(what, 'annotations: expected each to be required or optional, found one of both');
  }
  return {
    ...{ audience, requiresAccount, cacheType: cacheTypeOf(value['cacheType'], what) },
    ...{ requiredAnnotations: required, optionalAnnotations: optional },
  };
}

/** Kubernetes 1.33 has none: for it the narrower one. */
function cacheTypeOf(value: unknown, what: string): CacheType {
  const cacheType = CACHE_TYPES.find((one) => one === (value ?? 'Token'));
  if (cacheType !== undefined) return cacheType;
  throw invalid(what, `cacheType: expected ${CACHE_TYPES.join(' or ')}, found ${show(value)}`);
}

function keysOf(value: unknown, what: string): readonly string[] {
  const keys: unknown = value ?? [];
  const isList = Array.isArray(keys) && keys.length <= MAX_KEYS;
  if (!isList || !keys.every((key): key is string => typeof key === 'string' && KEY.test(key))) {
    throw invalid(what, `annotations: expected a list of at most ${MAX_KEYS} keys`);
  }
  if (new Set(keys).size === keys.length) return keys;
  throw invalid(what, 'annotations: expected each key once');
}

function invalid(what: string, fault: string): AgentError {
  return new AgentError('credentials_invalid', `${what}: tokenAttributes: ${fault}`);
}

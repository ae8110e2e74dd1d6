// Kubelet's configuration of credential provider plugins: kubelet.config.k8s.io "CredentialProviderConfig". Pure.
import { AgentError } from '../../../errors.ts';
import { parseGoDuration } from '../../../go-duration.ts';
import { isJsonObject, type JsonObject } from '../../../oci/json-object.ts';
import { show } from '../../../oci/show.ts';
import { type ImagePattern, parseImagePattern } from './image-match.ts';
import { parseTokenAttributes, type TokenAttributes } from './token-attributes.ts';

/** Of requests and responses; credentialprovider.kubelet.k8s.io. */
export const PROVIDER_API_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map(
  (version) => `credentialprovider.kubelet.k8s.io/${version}`,
);

/** One plugin, as kubelet is told of it. */
export interface CredentialProvider {
  /** Of the program in the directory of plugins. */
  readonly name: string;
  readonly apiVersion: string;
  readonly images: readonly ImagePattern[];
  /** For responses that do not say; 0 for no time at all. */
  readonly defaultCacheMs: number;
  readonly args: readonly string[];
  /** Beside those that every program gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Present: it is told of the pod's service account, and given a token of it. */
  readonly tokenAttributes: TokenAttributes | undefined;
}

/** Large clouds name a handful of plugins, with some dozen patterns each. */
const MAX_ITEMS = 1_000;
const CONFIG_VERSION = /^kubelet\.config\.k8s\.io\/v1(?:alpha1|beta1)?$/;

/**
 * Narrows one file of a configuration; `what` names it. As for kubelet, one fault is a fault of the
 * whole; see also `assertProviders`. Throws `credentials_invalid`, which quotes no values of variables.
 */
export function parseProviderConfig(value: unknown, what: string): readonly CredentialProvider[] {
  const config = objectOf(value, what);
  const { apiVersion, kind, providers } = config;
  if (typeof apiVersion !== 'string' || !CONFIG_VERSION.test(apiVersion)) {
    const expected = 'kubelet.config.k8s.io/v1, v1beta1 or v1alpha1';
    throw invalid(what, `apiVersion: expected ${expected}, found ${show(apiVersion)}`);
  }
  if (kind !== 'CredentialProviderConfig') {
    throw invalid(what, `kind: expected CredentialProviderConfig, found ${show(kind)}`);
  }
  const items = listOf(providers, `${what}: providers`);
  return items.map((item, index) => parseProvider(item, `${what}: providers[${index}]`));
}

/** What holds for the plugins of all files together. Throws `credentials_invalid`. */
export function assertProviders(all: readonly CredentialProvider[], what: string): void {
  if (all.length === 0) throw invalid(what, 'providers: expected at least one, found none');
  const names = new Set(all.map(({ name }) => name));
  if (names.size !== all.length) throw invalid(what, 'providers: expected each name once');
}

function parseProvider(value: unknown, what: string): CredentialProvider {
  const provider = objectOf(value, what);
  const { name, apiVersion, matchImages, defaultCacheDuration, args, env } = provider;
  if (!isProgramName(name))
    throw invalid(what, `name: expected that of a file, found ${show(name)}`);
  if (typeof apiVersion !== 'string' || !PROVIDER_API_VERSIONS.includes(apiVersion)) {
    const expected = PROVIDER_API_VERSIONS.join(', ');
    throw invalid(what, `apiVersion: expected one of ${expected}, found ${show(apiVersion)}`);
  }
  const images = listOf(matchImages, `${what}: matchImages`).map((image) => {
    const pattern = typeof image === 'string' ? parseImagePattern(image) : undefined;
    if (pattern !== undefined) return pattern;
    throw invalid(what, `matchImages: expected patterns of images, found ${show(image)}`);
  });
  if (images.length === 0) throw invalid(what, 'matchImages: expected at least one, found none');
  const cacheMs =
    typeof defaultCacheDuration === 'string' ? parseGoDuration(defaultCacheDuration) : null;
  if (cacheMs === null || cacheMs < 0 || cacheMs === Infinity) {
    throw invalid(
      what,
      `defaultCacheDuration: expected one such as 12h, found ${show(defaultCacheDuration)}`,
    );
  }
  return {
    ...{ name, apiVersion, images, defaultCacheMs: cacheMs },
    args: listOf(args, `${what}: args`).map((arg) => textOf(arg, `${what}: args`)),
    env: variablesOf(env, `${what}: env`),
    tokenAttributes: parseTokenAttributes(provider['tokenAttributes'], apiVersion, what),
  };
}

/** As kubelet asks of it: nothing that leads out of the directory of plugins. */
function isProgramName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value === '.' || value === '..') return false;
  return !/[/\s\0]/.test(value);
}

function variablesOf(value: unknown, what: string): Readonly<Record<string, string>> {
  const variables = listOf(value, what).map((item) => {
    const { name, value: text = '' } = objectOf(item, what);
    return [textOf(name, what), textOf(text, what)] as const;
  });
  return Object.fromEntries(variables);
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string' && !value.includes('\0')) return value;
  throw invalid(what, 'expected strings, found something else');
}

/** Nothing is an empty list. */
function listOf(value: unknown, what: string): readonly unknown[] {
  const list: unknown = value ?? [];
  if (Array.isArray(list) && list.length <= MAX_ITEMS) return list;
  throw invalid(what, `expected a list of at most ${MAX_ITEMS}, found ${show(list)}`);
}

function objectOf(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalid(what, `expected an object, found ${Array.isArray(value) ? 'a list' : 'none'}`);
}

function invalid(what: string, fault: string): AgentError {
  return new AgentError('credentials_invalid', `${what}: ${fault}`);
}

// Docker's configuration of credentials: `config.json`, its older form `.dockercfg`, and what Secrets hold of either. Pure.
import { AgentError } from '../../../errors.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import { isJsonObject, type JsonObject } from '../../../oci/json-object.ts';
import { show } from '../../../oci/show.ts';
import type { Secret } from './credential.ts';
import { isHelperName } from './helper-name.ts';
import { Keyring } from './keyring.ts';

/** What is known of credentials from one configuration. */
export interface DockerConfig {
  readonly keyring: Keyring;
  /** Names of credential helpers, by the registry as it is written there. */
  readonly helpers: ReadonlyMap<string, string>;
  /** Of the helper for every other registry. */
  readonly store: string | undefined;
}

/** A Secret of Kubernetes has 1 MiB at most. */
export const MAX_DOCKER_CONFIG_BYTES = 1024 * 1024;

/** How the text is laid out: `config` has the registries under `auths`, `legacy` is only those. */
export type DockerConfigForm = 'config' | 'legacy';

/**
 * Parses a configuration; `what` names it. One registry that is malformed does not take the others
 * with it: `onFault` is told. No message quotes a value. Throws `credentials_invalid` for a text that
 * is no such configuration.
 */
export function parseDockerConfig(
  document: Uint8Array | string,
  what: string,
  form: DockerConfigForm,
  onFault: (error: AgentError) => void,
): DockerConfig {
  const options = { what, code: 'credentials_invalid', maxBytes: MAX_DOCKER_CONFIG_BYTES } as const;
  const value = parseStrictJson(document, options);
  const config = objectOf(value, what);
  const auths = form === 'legacy' ? config : memberOf(config, 'auths', what);
  const secrets = Object.entries(auths).flatMap(([name, entry]) => {
    try {
      const secret = parseEntry(entry, `${what}: auths of ${show(name)}`);
      return secret === undefined ? [] : [[name, secret] as const];
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      onFault(error);
      return [];
    }
  });
  if (form === 'legacy')
    return { keyring: new Keyring(secrets), helpers: new Map(), store: undefined };
  const helpers = Object.entries(memberOf(config, 'credHelpers', what));
  const store = config['credsStore'] === '' ? undefined : config['credsStore'];
  return {
    keyring: new Keyring(secrets),
    helpers: new Map(helpers.map(([name, helper]) => [name, helperOf(helper, what)])),
    store: store === undefined ? undefined : helperOf(store, what),
  };
}

/** Undefined for an entry that only says that somebody logged in: its secret is in a store. */
function parseEntry(value: unknown, what: string): Secret | undefined {
  const entry = objectOf(value, what);
  const identity = textOf(entry, 'identitytoken', what);
  if (identity !== '') return { kind: 'identity_token', token: identity };
  const registry = textOf(entry, 'registrytoken', what);
  if (registry !== '') return { kind: 'registry_token', token: headerSafe(registry, what) };
  const auth = textOf(entry, 'auth', what);
  if (auth !== '') return decodeAuth(auth, what);
  const [username, password] = [textOf(entry, 'username', what), textOf(entry, 'password', what)];
  if (username === '' && password === '') return undefined;
  return { kind: 'basic', username, password };
}

/** `base64(username:password)`, with or without its padding, line breaks let pass, as by Go. */
function decodeAuth(auth: string, what: string): Secret {
  const text = auth.trim().replace(/[\r\n]/g, '');
  const bytes = Buffer.from(text, 'base64');
  const encoded = bytes.toString('base64');
  const colon = bytes.indexOf(':');
  if ((encoded !== text && encoded.replace(/=+$/, '') !== text) || colon < 0) {
    const fault = 'auth: expected base64 of username:password, found something else';
    throw new AgentError('credentials_invalid', `${what}: ${fault}`);
  }
  const username = bytes.subarray(0, colon).toString('utf8');
  // Docker itself once padded passwords with zero bytes.
  const password = bytes
    .subarray(colon + 1)
    .toString('utf8')
    .replace(/\0+$/, '');
  return { kind: 'basic', username, password };
}

/** Visible ASCII: whatever else would end the header it is put in, or begin another one. */
function headerSafe(token: string, what: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const fault = 'registrytoken: expected visible ASCII characters, found others';
  throw new AgentError('credentials_invalid', `${what}: ${fault}`);
}

function helperOf(value: unknown, what: string): string {
  if (isHelperName(value)) return value;
  const fault = 'expected names of credential helpers, found something else';
  throw new AgentError('credentials_invalid', `${what}: ${fault}`);
}

function textOf(entry: JsonObject, key: string, what: string): string {
  const value = entry[key] ?? '';
  if (typeof value === 'string') return value;
  throw new AgentError('credentials_invalid', `${what}: ${key}: expected a string, found none`);
}

function memberOf(config: JsonObject, key: string, what: string): JsonObject {
  return objectOf(config[key] ?? {}, `${what}: ${key}`);
}

function objectOf(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new AgentError('credentials_invalid', `${what}: expected an object, found something else`);
}

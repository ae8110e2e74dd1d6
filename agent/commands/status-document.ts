// `/status.json` of a running agent, read back: it comes from whoever listens there.
import { AgentError } from '../errors.ts';
import { IMAGE_CAUSES, IMAGE_STATES, type ImageCause, type ImageState } from '../metrics/labels.ts';
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';
import { show } from '../oci/show.ts';

/** What the agent tells of policy or trust. */
export interface GenerationDocument {
  /** '' while there is none. */
  readonly hash: string;
  readonly loadedAt: Date | null;
}

/** What the agent tells of the node's images. */
export interface Coverage {
  readonly images: number;
  /** Images by state. */
  readonly states: Readonly<Record<ImageState, number>>;
  /** Images by cause. */
  readonly causes: Readonly<Record<ImageCause, number>>;
  /** Containers by the state of the image that they run. */
  readonly running: Readonly<Record<ImageState, number>>;
}

/** What the agent tells of itself; see `agent/commands/run/status.ts`. Its texts are untrusted. */
export interface StatusDocument {
  readonly version: string;
  readonly state: string;
  readonly causes: readonly { readonly message: string; readonly remedy: string }[];
  readonly provedAt: Date | null;
  readonly mode: string;
  readonly breakGlass: { readonly state: string; readonly message: string };
  readonly problems: readonly string[];
  readonly verifier: {
    readonly path: string;
    readonly version: string | null;
    readonly sha256: string | null;
  };
  readonly policy: GenerationDocument;
  readonly trust: GenerationDocument & {
    readonly nextExpiry: { readonly at: Date; readonly subject: string } | null;
  };
  readonly coverage: Coverage;
  readonly journalLagSeconds: number | null;
}

/** Throws `agent_unavailable` for what no agent of this version says. */
export function parseStatusDocument(value: unknown): StatusDocument {
  const root = objectOf(value, 'status');
  const enforcement = objectOf(root['enforcement'], 'enforcement');
  const verifier = objectOf(root['verifier'], 'verifier');
  const breakGlass = objectOf(root['breakGlass'], 'breakGlass');
  const trust = objectOf(root['trust'], 'trust');
  return {
    version: textOf(root, 'version'),
    state: textOf(enforcement, 'state'),
    causes: listOf(enforcement, 'causes').map((one) => {
      const cause = objectOf(one, 'cause');
      return { message: textOf(cause, 'message'), remedy: textOf(cause, 'remedy') };
    }),
    provedAt: nullable(enforcement, 'provedAt', timeOf),
    mode: textOf(root, 'mode'),
    breakGlass: { state: textOf(breakGlass, 'state'), message: textOf(breakGlass, 'message') },
    problems: listOf(root, 'problems').map(String),
    verifier: {
      path: textOf(verifier, 'path'),
      version: nullable(verifier, 'version', textOf),
      sha256: nullable(verifier, 'sha256', textOf),
    },
    policy: generationOf(objectOf(root['policy'], 'policy')),
    trust: {
      ...generationOf(trust),
      nextExpiry: nullable(trust, 'nextExpiry', (object, key) => {
        const expiry = objectOf(object[key], key);
        return { at: timeOf(expiry, 'at'), subject: textOf(expiry, 'subject') };
      }),
    },
    coverage: coverageOf(objectOf(root['coverage'], 'coverage')),
    journalLagSeconds: nullable(root, 'journalLagSeconds', numberOf),
  };
}

function generationOf(object: JsonObject): GenerationDocument {
  return { hash: textOf(object, 'hash'), loadedAt: nullable(object, 'loadedAt', timeOf) };
}

function coverageOf(object: JsonObject): Coverage {
  return {
    images: numberOf(object, 'images'),
    states: numbersOf(object, IMAGE_STATES),
    causes: numbersOf(objectOf(object['causes'], 'causes'), IMAGE_CAUSES),
    running: numbersOf(objectOf(object['running'], 'running'), IMAGE_STATES),
  };
}

function numbersOf<K extends string>(object: JsonObject, keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, numberOf(object, key)])) as Record<K, number>;
}

function objectOf(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalid(what, 'an object', value);
}

function listOf(object: JsonObject, key: string): readonly unknown[] {
  const value = object[key];
  if (Array.isArray(value)) return value;
  throw invalid(key, 'a list', value);
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value === 'string') return value;
  throw invalid(key, 'a text', value);
}

function numberOf(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value === 'number') return value;
  throw invalid(key, 'a number', value);
}

function timeOf(object: JsonObject, key: string): Date {
  const time = new Date(textOf(object, key));
  if (!Number.isNaN(time.getTime())) return time;
  throw invalid(key, 'a time', object[key]);
}

function nullable<T>(
  object: JsonObject,
  key: string,
  read: (object: JsonObject, key: string) => T,
): T | null {
  return object[key] === null ? null : read(object, key);
}

function invalid(what: string, expected: string, found: unknown): AgentError {
  return new AgentError(
    'agent_unavailable',
    `status of the agent: ${what}: expected ${expected}, found ${show(found)}: is it another version?`,
  );
}

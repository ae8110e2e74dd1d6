// AdmissionReview v1 of admission.k8s.io, as the API server sends it: bytes in, a request out.
import { AgentError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';
import { show } from '../oci/show.ts';

/** What is to happen to an object. */
export interface AdmissionRequest {
  /** Goes back with the answer. */
  readonly uid: string;
  readonly operation: Operation;
  readonly resource: ResourceName;
  /** '' of what is in no namespace, and of an object whose name the API server makes up. */
  readonly namespace: string;
  readonly name: string;
  /** Nothing of it is stored. */
  readonly isDryRun: boolean;
  /** As it would be, and as it was; null where there is none. Members are not checked. */
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
}

/** A resource, and what of it is asked for. */
export interface ResourceName {
  /** '' for the core group. */
  readonly group: string;
  readonly resource: string;
  /** '' for the whole object. */
  readonly subresource: string;
}

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
export type Operation = (typeof OPERATIONS)[number];

const KIND = 'AdmissionReview';
const VERSION = 'admission.k8s.io/v1';
/** UIDs have 36 characters, names and groups at most 253. */
const MAX_TEXT_LENGTH = 253;

/** Reads it. Throws `admission_review_invalid`. */
export function parseAdmissionReview(bytes: Uint8Array): AdmissionRequest {
  const review = parseObject(bytes);
  const { apiVersion, kind, request } = review;
  if (kind !== KIND || apiVersion !== VERSION) {
    throw invalid(`expected ${KIND} of ${VERSION}, found ${show(kind)} of ${show(apiVersion)}`);
  }
  if (!isJsonObject(request)) throw invalid(`request: expected an object, found ${show(request)}`);
  const operation = OPERATIONS.find((one) => one === request['operation']);
  if (operation === undefined) {
    throw invalid(
      `operation: expected ${OPERATIONS.join(', ')}, found ${show(request['operation'])}`,
    );
  }
  const uid = text(request, 'uid');
  if (uid === '') throw invalid('uid: expected a text, found none');
  return {
    ...{ uid, operation, resource: resourceOf(request) },
    namespace: text(request, 'namespace'),
    name: text(request, 'name'),
    isDryRun: request['dryRun'] === true,
    object: objectOrNull(request, 'object'),
    oldObject: objectOrNull(request, 'oldObject'),
  };
}

function parseObject(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('expected JSON in UTF-8', cause);
  }
  if (!isJsonObject(value)) throw invalid(`expected an object, found ${show(value)}`);
  return value;
}

function resourceOf(request: JsonObject): ResourceName {
  const { resource } = request;
  if (!isJsonObject(resource)) {
    throw invalid(`resource: expected an object, found ${show(resource)}`);
  }
  return {
    group: text(resource, 'group'),
    resource: text(resource, 'resource'),
    subresource: text(request, 'subResource'),
  };
}

function text(object: JsonObject, member: string): string {
  const value = object[member] ?? '';
  if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH) return value;
  throw invalid(
    `${member}: expected a text of at most ${MAX_TEXT_LENGTH} characters, found ${show(value)}`,
  );
}

function objectOrNull(request: JsonObject, member: string): JsonObject | null {
  const value = request[member] ?? null;
  if (value === null || isJsonObject(value)) return value;
  throw invalid(`${member}: expected an object, found ${show(value)}`);
}

function invalid(fault: string, cause?: unknown): AgentError {
  const options = cause === undefined ? {} : { cause };
  return new AgentError('admission_review_invalid', `admission review: ${fault}`, options);
}

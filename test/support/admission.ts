// AdmissionReviews as an API server sends them, of every kind of workload.
import { randomUUID } from 'node:crypto';

export type Json = Record<string, unknown>;

/** A workload kind: its resource, and how it holds the spec of a pod. */
export interface WorkloadKind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly group: string;
  readonly resource: string;
  readonly object: (podSpec: Json) => Json;
  /** JSON Pointer of the pod's spec. */
  readonly at: string;
}

const LABELS = { app: 'test' };
const template = (spec: Json): Json => ({ metadata: { labels: LABELS }, spec });
const selector = { matchLabels: LABELS };
const job = (spec: Json): Json => ({ template: template({ restartPolicy: 'Never', ...spec }) });

export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  kindOf('Pod', 'v1', 'pods', '/spec', (spec) => ({ spec })),
  kindOf('PodTemplate', 'v1', 'podtemplates', '/template/spec', (spec) => ({
    template: template(spec),
  })),
  kindOf(
    'ReplicationController',
    'v1',
    'replicationcontrollers',
    '/spec/template/spec',
    (spec) => ({
      spec: { selector: LABELS, template: template(spec) },
    }),
  ),
  ...(['Deployment', 'DaemonSet', 'ReplicaSet'] as const).map((kind) =>
    kindOf(kind, 'apps/v1', `${kind.toLowerCase()}s`, '/spec/template/spec', (spec) => ({
      spec: { selector, template: template(spec) },
    })),
  ),
  kindOf('StatefulSet', 'apps/v1', 'statefulsets', '/spec/template/spec', (spec) => ({
    spec: { selector, serviceName: 'test', template: template(spec) },
  })),
  kindOf('Job', 'batch/v1', 'jobs', '/spec/template/spec', (spec) => ({ spec: job(spec) })),
  kindOf('CronJob', 'batch/v1', 'cronjobs', '/spec/jobTemplate/spec/template/spec', (spec) => ({
    spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job(spec) } },
  })),
];

export const POD = workloadKind('Pod');

export function workloadKind(name: string): WorkloadKind {
  const found = WORKLOAD_KINDS.find(({ kind }) => kind === name);
  if (found === undefined) throw new Error(`no workload kind ${name}`);
  return found;
}

/** A whole object with one container for each image. */
export function workload(kind: WorkloadKind, name: string, ...images: readonly string[]): Json {
  return {
    ...{ apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace: 'default' } },
    ...kind.object({ containers: containersOf(images) }),
  };
}

/** `app`, `app-1`, …, as in a pod. */
export function containersOf(images: readonly string[]): Json[] {
  return images.map((image, index) => ({ name: index === 0 ? 'app' : `app-${index}`, image }));
}

/** Changes of the request in a review. */
export interface ReviewChanges {
  readonly operation?: string;
  readonly oldObject?: Json | null;
  readonly dryRun?: boolean;
  readonly subResource?: string;
  readonly [member: string]: unknown;
}

/** The review of an object's creation, with members of its request replaced. */
export function reviewOf(
  kind: WorkloadKind,
  object: Json | null,
  changes: ReviewChanges = {},
): Json {
  return {
    ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    request: {
      uid: randomUUID(),
      kind: { group: kind.group, version: 'v1', kind: kind.kind },
      resource: { group: kind.group, version: 'v1', resource: kind.resource },
      ...{ namespace: 'default', name: 'app', operation: 'CREATE', dryRun: false },
      userInfo: { username: 'someone' },
      ...{ object, oldObject: null, options: { kind: 'CreateOptions' } },
      ...changes,
    },
  };
}

export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** An answer, as far as tests look at it. */
export interface AnswerJson {
  readonly apiVersion: string;
  readonly kind: string;
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly message: string };
    readonly warnings?: readonly string[];
    readonly patchType?: string;
    readonly patch?: string;
    readonly auditAnnotations?: Readonly<Record<string, string>>;
  };
}

export function parseAnswer(bytes: Uint8Array): AnswerJson['response'] {
  return (JSON.parse(Buffer.from(bytes).toString()) as AnswerJson).response;
}

/** The patch of an answer, decoded. */
export function patchOf({ patch = '' }: AnswerJson['response']): unknown {
  return JSON.parse(Buffer.from(patch, 'base64').toString() || '[]');
}

function kindOf(
  kind: string,
  apiVersion: string,
  resource: string,
  at: string,
  object: WorkloadKind['object'],
): WorkloadKind {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [];
  return { kind, apiVersion, group, resource, at, object };
}

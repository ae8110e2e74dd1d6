// The images that an object of Kubernetes would have run: where each kind keeps its pod, and what a pod names.
import { AgentError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';
import { show } from '../oci/show.ts';
import type { AdmissionRequest, ResourceName } from './admission-review.ts';

/** Where a pod names an image. */
export interface ImageUse {
  /** `container`, `init container`, `ephemeral container` or `volume`. */
  readonly role: string;
  /** Of the container or the volume. Attacker-controlled, as the image is. */
  readonly name: string;
  readonly image: string;
  /** Where the image stands in the object: a JSON Pointer of RFC 6901. */
  readonly pointer: string;
}

/** The path of the pod's spec, by group and resource. */
const POD_SPECS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/pods', ['spec']],
  ['/podtemplates', ['template', 'spec']],
  ['/replicationcontrollers', ['spec', 'template', 'spec']],
  ['apps/deployments', ['spec', 'template', 'spec']],
  ['apps/daemonsets', ['spec', 'template', 'spec']],
  ['apps/statefulsets', ['spec', 'template', 'spec']],
  ['apps/replicasets', ['spec', 'template', 'spec']],
  ['batch/jobs', ['spec', 'template', 'spec']],
  ['batch/cronjobs', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
]);

const LISTS = [
  ['initContainers', 'init container'],
  ['containers', 'container'],
  ['ephemeralContainers', 'ephemeral container'],
] as const;

/** Etcd holds 1.5 MB of an object, which names some ten thousand; no pod of ours waits for that many. */
export const MAX_IMAGE_USES = 500;

/**
 * What the object names and its old self did not: an update that brings in no image is none of ours, or
 * nobody could scale down, label or take a finalizer off what the policy refuses today. An object that is
 * being deleted brings in nothing either. Throws `admission_review_invalid`.
 */
export function newImageUses(request: AdmissionRequest): readonly ImageUse[] {
  const { operation, object, oldObject, resource } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || object === null) return [];
  if (operation === 'UPDATE' && isBeingDeleted(object)) return [];
  const path = podSpecPath(resource);
  const uses = imageUses(object, path);
  if (operation === 'CREATE' || oldObject === null) return uses;
  const before = new Set(imageUses(oldObject, path).map(({ image }) => image));
  return uses.filter(({ image }) => !before.has(image));
}

/** The spec of the pod that the object is, or would make; undefined where it has none. Throws as above. */
export function podSpecOf({ object, resource }: AdmissionRequest): JsonObject | undefined {
  return object === null ? undefined : specAt(object, podSpecPath(resource));
}

/** A webhook that is asked about what it cannot judge must not let it in unseen. */
function podSpecPath({ group, resource, subresource }: ResourceName): readonly string[] {
  const path = POD_SPECS.get(`${group}/${resource}`);
  const isWhole =
    subresource === '' || (resource === 'pods' && subresource === 'ephemeralcontainers');
  if (path !== undefined && isWhole) return path;
  const found = show([resource, subresource, group].filter((part) => part !== '').join('/'));
  throw invalid(`resource: expected a workload of Kubernetes, found ${found}`);
}

function isBeingDeleted({ metadata }: JsonObject): boolean {
  return isJsonObject(metadata) && typeof metadata['deletionTimestamp'] === 'string';
}

function imageUses(object: JsonObject, path: readonly string[]): readonly ImageUse[] {
  const spec = specAt(object, path);
  if (spec === undefined) return [];
  const at = `/${path.join('/')}`;
  const uses = [
    ...LISTS.flatMap(([list, role]) => containerUses(spec, { at, list, role })),
    ...volumeUses(spec, at),
  ];
  if (uses.length <= MAX_IMAGE_USES) return uses;
  throw invalid(`expected at most ${MAX_IMAGE_USES} images, found ${uses.length}`);
}

function specAt(object: JsonObject, path: readonly string[]): JsonObject | undefined {
  let value: unknown = object;
  for (const member of path) {
    if (value === undefined || value === null) return undefined;
    if (!isJsonObject(value))
      throw invalid(`${path.join('.')}: expected objects, found ${show(value)}`);
    value = value[member];
  }
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw invalid(`${path.join('.')}: expected an object, found ${show(value)}`);
}

interface ContainerList {
  readonly at: string;
  readonly list: string;
  readonly role: string;
}

/** A template may leave an image out, for whoever is to fill it in; a pod may not. */
function containerUses(spec: JsonObject, { at, list, role }: ContainerList): ImageUse[] {
  return members(spec, list).flatMap((container, index) => {
    const image = textOf(container, 'image');
    if (image === '') return [];
    return [
      { role, name: textOf(container, 'name'), image, pointer: `${at}/${list}/${index}/image` },
    ];
  });
}

/** KEP-4639: an image as a volume is pulled like one that is run. */
function volumeUses(spec: JsonObject, at: string): ImageUse[] {
  return members(spec, 'volumes').flatMap((volume, index) => {
    const source = volume['image'];
    if (source === undefined || source === null) return [];
    if (!isJsonObject(source)) throw invalid(`image: expected an object, found ${show(source)}`);
    const image = textOf(source, 'reference');
    if (image === '') return [];
    const pointer = `${at}/volumes/${index}/image/reference`;
    return [{ role: 'volume', name: textOf(volume, 'name'), image, pointer }];
  });
}

function members(spec: JsonObject, list: string): readonly JsonObject[] {
  const value = spec[list] ?? [];
  if (Array.isArray(value) && value.every(isJsonObject)) return value;
  throw invalid(`${list}: expected a list of objects, found ${show(value)}`);
}

function textOf(object: JsonObject, member: string): string {
  const value = object[member] ?? '';
  if (typeof value === 'string') return value;
  throw invalid(`${member}: expected a text, found ${show(value)}`);
}

function invalid(fault: string): AgentError {
  return new AgentError('admission_review_invalid', `admission review: object: ${fault}`);
}

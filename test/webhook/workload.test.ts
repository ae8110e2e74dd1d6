import { describe, expect, it } from 'vitest';
import { parseAdmissionReview } from '../../agent/webhook/admission-review.ts';
import { MAX_IMAGE_USES, newImageUses } from '../../agent/webhook/workload.ts';
import {
  bytesOf,
  containersOf,
  type Json,
  POD,
  type ReviewChanges,
  reviewOf,
  workload,
  WORKLOAD_KINDS,
  type WorkloadKind,
  workloadKind,
} from '../support/admission.ts';
import { expectCode } from '../support/expect-code.ts';

function uses(kind: WorkloadKind, object: Json | null, changes: ReviewChanges = {}) {
  return newImageUses(parseAdmissionReview(bytesOf(reviewOf(kind, object, changes))));
}

function images(kind: WorkloadKind, object: Json | null, changes: ReviewChanges = {}) {
  return uses(kind, object, changes).map(({ image }) => image);
}

describe('the images of a workload', () => {
  it.each(WORKLOAD_KINDS)('are found in a $kind, each where it stands', (kind) => {
    const spec = {
      initContainers: [{ name: 'first', image: 'a' }],
      containers: [
        { name: 'app', image: 'b' },
        { name: 'side', image: 'c' },
      ],
      ephemeralContainers: [{ name: 'debug', image: 'd' }],
      volumes: [{ name: 'none' }, { name: 'data', image: { reference: 'e' } }],
    };
    expect(uses(kind, kind.object(spec))).toEqual([
      use('init container', 'first', 'a', `${kind.at}/initContainers/0/image`),
      use('container', 'app', 'b', `${kind.at}/containers/0/image`),
      use('container', 'side', 'c', `${kind.at}/containers/1/image`),
      use('ephemeral container', 'debug', 'd', `${kind.at}/ephemeralContainers/0/image`),
      use('volume', 'data', 'e', `${kind.at}/volumes/1/image/reference`),
    ]);
  });

  it('are none where a template leaves them out, or has no pod at all', () => {
    const deployment = workloadKind('Deployment');
    expect(images(deployment, deployment.object({ containers: [{ name: 'app' }] }))).toEqual([]);
    expect(images(deployment, { spec: {} })).toEqual([]);
    expect(images(POD, { spec: null })).toEqual([]);
  });

  it.each(WORKLOAD_KINDS)('are only the new ones when a $kind is updated', (kind) => {
    const before = workload(kind, 'app', 'a', 'b');
    const update = { operation: 'UPDATE', oldObject: before };
    expect(images(kind, before, update)).toEqual([]);
    expect(images(kind, workload(kind, 'app', 'b', 'a'), update)).toEqual([]);
    expect(images(kind, workload(kind, 'app', 'a', 'c'), update)).toEqual(['c']);
    // Without the old one, all are new.
    expect(images(kind, before, { operation: 'UPDATE' })).toEqual(['a', 'b']);
    // A creation has no old one to hide behind.
    expect(images(kind, before, { oldObject: before })).toEqual(['a', 'b']);
  });

  it('are looked at when a debugging container comes into a pod', () => {
    const before = workload(POD, 'app', 'a');
    const ephemeralContainers = [{ name: 'debug', image: 'd' }];
    const after = { ...before, spec: { containers: containersOf(['a']), ephemeralContainers } };
    const update = { operation: 'UPDATE', subResource: 'ephemeralcontainers', oldObject: before };
    expect(images(POD, after, update)).toEqual(['d']);
  });

  it('do not keep an object that is being deleted', () => {
    const oldObject = workload(POD, 'app', 'a');
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const after = { ...workload(POD, 'app', 'b'), metadata };
    expect(images(POD, after, { operation: 'UPDATE', oldObject })).toEqual([]);
    // Whoever creates an object can write anything there.
    expect(images(POD, after)).toEqual(['b']);
  });

  it.each(['DELETE', 'CONNECT'])('are none of a %s', (operation) => {
    expect(images(POD, null, { operation, oldObject: workload(POD, 'app', 'a') })).toEqual([]);
  });

  it.each<[string, WorkloadKind, Json, ReviewChanges]>([
    ['of a resource that is no workload', { ...POD, resource: 'rollouts' }, { spec: {} }, {}],
    ['of a group that is another', { ...POD, group: 'metrics' }, { spec: {} }, {}],
    ['of another part of a pod', POD, { target: {} }, { subResource: 'binding' }],
    ['whose spec is a list', POD, { spec: [] }, {}],
    ['whose template is a text', workloadKind('Job'), { spec: { template: 'x' } }, {}],
    ['whose containers are an object', POD, { spec: { containers: {} } }, {}],
    ['whose container is a text', POD, { spec: { containers: ['a'] } }, {}],
    ['whose image is a number', POD, { spec: { containers: [{ image: 1 }] } }, {}],
    ['whose image volume is a text', POD, { spec: { volumes: [{ image: 'a' }] } }, {}],
  ])('cannot be told %s', (_, kind, object, changes) => {
    expectCode(() => images(kind, object, changes), 'admission_review_invalid');
  });

  it('are bounded', () => {
    const many = Array.from({ length: MAX_IMAGE_USES }, (_, index) => `i${index}`);
    expect(images(POD, workload(POD, 'app', ...many))).toHaveLength(MAX_IMAGE_USES);
    const more = workload(POD, 'app', ...many, 'one-more');
    expectCode(() => images(POD, more), 'admission_review_invalid');
  });
});

function use(role: string, name: string, image: string, pointer: string) {
  return { role, name, image, pointer };
}

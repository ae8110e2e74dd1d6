import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAdmissionReview } from '../../agent/webhook/admission-review.ts';
import { newImageUses } from '../../agent/webhook/workload.ts';
import { bytesOf, POD, reviewOf, workload } from '../support/admission.ts';
import { expectCode } from '../support/expect-code.ts';
import { valueOrAgentError } from '../support/only-agent-errors.ts';

const GOOD = reviewOf(POD, workload(POD, 'app', 'example.io/app:v1'));
const request = GOOD['request'] as Record<string, unknown>;

const TEXT = Buffer.from(bytesOf(GOOD)).toString();

describe('an AdmissionReview', () => {
  it('is read', () => {
    expect(parseAdmissionReview(bytesOf(GOOD))).toEqual({
      uid: request['uid'],
      operation: 'CREATE',
      resource: { group: '', resource: 'pods', subresource: '' },
      ...{ namespace: 'default', name: 'app', isDryRun: false },
      ...{ object: request['object'], oldObject: null },
    });
    const longest = { ...GOOD, request: { ...request, name: 'a'.repeat(253) } };
    expect(parseAdmissionReview(bytesOf(longest)).name).toHaveLength(253);
    const dryRun = { ...GOOD, request: { ...request, dryRun: true, subResource: 'status' } };
    expect(parseAdmissionReview(bytesOf(dryRun))).toMatchObject({
      isDryRun: true,
      resource: { subresource: 'status' },
    });
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Buffer.concat([bytesOf(GOOD), Buffer.from([0xff])])],
    ['no UTF-8 in a name', Buffer.from(TEXT.replace(/"name":"app"/, '"name":"\xff"'), 'latin1')],
    ['nothing', Buffer.alloc(0)],
    ['a list', bytesOf([GOOD])],
    ['of an old version', bytesOf({ ...GOOD, apiVersion: 'admission.k8s.io/v1beta1' })],
    ['of another kind', bytesOf({ ...GOOD, kind: 'Pod' })],
    ['without a request', bytesOf({ ...GOOD, request: undefined })],
    ['deeper than anybody reads', Buffer.from('['.repeat(1_000_000))],
    ...(
      [
        ['without a UID', { uid: undefined }],
        ['with a number as UID', { uid: 1 }],
        ['with an unknown operation', { operation: 'PATCH' }],
        ['without a resource', { resource: null }],
        ['with a text as object', { object: 'pod' }],
        ['with a list as old object', { oldObject: [] }],
        ['with an endless name', { name: 'a'.repeat(254) }],
      ] as const
    ).map(
      ([name, change]) => [name, bytesOf({ ...GOOD, request: { ...request, ...change } })] as const,
    ),
  ] as const)('is refused that is %s', (_, bytes) => {
    expectCode(() => parseAdmissionReview(bytes), 'admission_review_invalid');
  });

  it('is read, or refused, whatever it is', () => {
    const members = { request: fc.object(), apiVersion: fc.constant('admission.k8s.io/v1') };
    const reviews = fc.record({ kind: fc.constant('AdmissionReview'), ...members });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), reviews.map(bytesOf)), (bytes) => {
        valueOrAgentError(() => parseAdmissionReview(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.object({ maxDepth: 5 }), (object) => {
        const parsed = parseAdmissionReview(bytesOf(reviewOf(POD, object)));
        valueOrAgentError(() => newImageUses(parsed));
      }),
    );
  });
});

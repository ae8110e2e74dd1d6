// What a node is told of an image by a webhook that admits nothing for it.
import { describe, expect, it } from 'vitest';
import {
  compared,
  comparisonReview,
  type AdmissionOpinion,
  parseComparison,
} from '../../agent/webhook/comparison.ts';
import { encodeAnswer } from '../../agent/webhook/answer.ts';
import { encodeReview, review } from '../../agent/webhook/review.ts';
import { bytesOf } from '../support/admission.ts';
import { expectCode } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';
import { DENIED, type Verdicts, verifierOf } from './fixture.ts';

const IMAGE = `registry.example/app@sha256:${'a'.repeat(64)}`;

/** As the node would be answered. */
async function opinion(verdicts: Verdicts, mode: 'enforce' | 'audit'): Promise<AdmissionOpinion> {
  const { asked, verify } = verifierOf(verdicts);
  const parts = { mode, verify, deadlineMs: 1000 };
  const { signal } = new AbortController();
  const done = await review(bytesOf(comparisonReview(IMAGE)), 'compare', parts, signal);
  expect(asked).toEqual([IMAGE]);
  return parseComparison(encodeReview(done));
}

describe('a comparison', () => {
  it.each(['enforce', 'audit'] as const)(
    'is told the verdict, whatever the mode: %s',
    async (mode) => {
      const { policyHash, trustHash } = verdictOf({});
      const hashes = { policyHash, trustHash };
      expect(await opinion({}, mode)).toEqual({
        ...{ decision: 'allow', reason: 'verified', inconclusive: false, ...hashes },
      });
      expect(await opinion({ [IMAGE]: DENIED }, mode)).toEqual({
        ...{ decision: 'deny', reason: 'signature_missing', inconclusive: false, ...hashes },
      });
    },
  );

  it('is told that it could not be told, and by no policy', async () => {
    const unknown = { decision: 'deny', reason: 'policy_missing', inconclusive: true } as const;
    const verdict = { ...unknown, policyHash: null, trustHash: null };
    expect(await opinion({ [IMAGE]: verdict }, 'enforce')).toEqual(verdict);
  });

  it('takes what an answer leaves open for what could not be told', () => {
    const answered = (annotations: object) =>
      parseComparison(Buffer.from(JSON.stringify({ response: { auditAnnotations: annotations } })));
    const verdict = { decision: 'allow', reason: 'r'.repeat(80), inconclusive: 'false' };
    const hashes = { policyHash: 'p', trustHash: 't' };
    expect(answered({ ...verdict, ...hashes })).toEqual({
      ...{ ...verdict, inconclusive: false, ...hashes },
    });
    const open = { decision: verdict.decision, reason: verdict.reason };
    expect(answered({ ...open, policyHash: 'p'.repeat(81), trustHash: 1 })).toEqual({
      ...{ ...open, inconclusive: true, policyHash: null, trustHash: null },
    });
  });

  it('is told of a refusal that could not be told where there is no verdict at all', () => {
    expect(parseComparison(encodeAnswer('uid', compared([])))).toEqual({
      ...{ decision: 'deny', reason: '', inconclusive: true, policyHash: null, trustHash: null },
    });
  });

  it.each([
    ['no JSON', 'down'],
    ['no object', '[]'],
    ['no response', '{}'],
    ['no annotations', '{"response":{"allowed":true}}'],
    ['no verdict', '{"response":{"auditAnnotations":{"decision":"perhaps","reason":"verified"}}}'],
    ['no reason', '{"response":{"auditAnnotations":{"decision":"allow"}}}'],
    [
      'no UTF-8',
      Buffer.from(
        '{"response":{"auditAnnotations":{"decision":"allow","reason":"\xff"}}}',
        'latin1',
      ),
    ],
    [
      'an endless reason',
      `{"response":{"auditAnnotations":{"decision":"allow","reason":"${'a'.repeat(81)}"}}}`,
    ],
  ])('does not take for a verdict what is %s', (_, body: string | Buffer) => {
    expectCode(() => parseComparison(Buffer.from(body)), 'kubernetes_failed');
  });
});

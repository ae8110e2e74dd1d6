import { describe, expect, it } from 'vitest';
import {
  type CanaryObservation,
  judgeCanary,
  type PullOutcome,
} from '../../agent/enforcement/canary-result.ts';

const refused = (text: string): PullOutcome => ({ kind: 'refused', text });
const CAME_IN: PullOutcome = { kind: 'came_in' };
const UNANSWERED: PullOutcome = { kind: 'unanswered', text: 'UNAVAILABLE' };
/** As containerd says it. */
const blockedBy = (verifier: string, answer: string): PullOutcome =>
  refused(
    `UNKNOWN: failed to pull and unpack image "x": image verifier bindir blocked pull of x with digest d for reason: verifier ${verifier} rejected image (exit code 1): ${answer}`,
  );
const UNSIGNED = blockedBy('nodeseal-verifier', 'deny: signature_missing: x: expected a signature');
const BY_HOST = blockedBy('nodeseal-verifier', 'deny: policy_not_applicable: x');
const BROKEN = refused('UNKNOWN: failed to resolve image: connection refused');

const PROVED: CanaryObservation = {
  signed: CAME_IN,
  unsigned: UNSIGNED,
  asked: new Set(['signed', 'unsigned']),
  registryAsked: true,
  verifierName: 'nodeseal-verifier',
};
const NOT_ASKED = { asked: new Set<never>() };

/** `kind` or `kind: code`. */
function resultOf(changes: Partial<CanaryObservation>): string {
  const result = judgeCanary({ ...PROVED, ...changes });
  return result.kind === 'proved' ? result.kind : `${result.kind}: ${result.cause.code}`;
}

describe('a canary', () => {
  it('proves enforcement when only the signed image came in, and for the right reason', () => {
    expect(resultOf({})).toBe('proved');
  });

  it.each([CAME_IN, UNSIGNED, BY_HOST, BROKEN, UNANSWERED])(
    'refutes it when the unsigned image came in, whatever came of the signed one: $kind $text',
    (signed) => {
      const unsigned = CAME_IN;
      expect(resultOf({ signed, unsigned, ...NOT_ASKED })).toBe('refuted: unsigned_image_came_in');
      expect(resultOf({ signed, unsigned })).toBe('refuted: verdict_not_enforced');
      expect(resultOf({ signed, unsigned, asked: new Set(['unsigned']) })).toBe(
        'refuted: verdict_not_enforced',
      );
      expect(resultOf({ signed, unsigned, registryAsked: false })).toBe(
        'refuted: verdict_not_enforced',
      );
    },
  );

  it.each([
    ['nobody answers', { signed: UNANSWERED }, 'containerd_unavailable'],
    ['nobody answers the second', { unsigned: UNANSWERED }, 'containerd_unavailable'],
    [
      'the registry is not reached',
      { signed: BROKEN, unsigned: BROKEN, registryAsked: false, ...NOT_ASKED },
      'canary_registry_unreached',
    ],
    ['the pulls fail on the way', { signed: BROKEN, unsigned: BROKEN }, 'canary_refused_otherwise'],
    [
      'another verifier refuses both before ours is asked',
      { signed: blockedBy('other', 'no'), unsigned: blockedBy('other', 'no'), ...NOT_ASKED },
      'canary_refused_otherwise',
    ],
    [
      'the verifier is killed',
      { unsigned: refused('verifier nodeseal-verifier (runtime 10.0s): signal: killed') },
      'canary_refused_otherwise',
    ],
    [
      'the host judges both',
      { signed: BY_HOST, unsigned: BY_HOST, ...NOT_ASKED },
      'agent_not_asked',
    ],
    ['the host judges one', { asked: new Set(['signed'] as const) }, 'agent_not_asked'],
    ['the host judges the other', { asked: new Set(['unsigned'] as const) }, 'agent_not_asked'],
    [
      'the agent gives another reason',
      { unsigned: blockedBy('nodeseal-verifier', 'deny: registry_timeout: x') },
      'canary_refused_otherwise',
    ],
    ['the signed one is refused too', { signed: UNSIGNED }, 'signed_image_refused'],
    ['the signed one fails on the way', { signed: BROKEN }, 'signed_image_refused'],
  ])('tells nothing when %s', (_, changes, code) => {
    expect(resultOf(changes)).toBe(`inconclusive: ${code}`);
  });

  it('does not take what a verifier of another name says for our verdict', () => {
    const quoting = 'verifier other-nodeseal-verifier rejected image (exit code 1): deny: x';
    expect(resultOf({ unsigned: refused(quoting) })).toBe('inconclusive: canary_refused_otherwise');
  });

  it('shows what containerd said, cut to what a person reads', () => {
    const result = judgeCanary({ ...PROVED, unsigned: refused('x'.repeat(10_000)) });
    if (result.kind === 'proved') throw new TypeError('expected a cause');
    expect(result.cause.message).toContain('xxx');
    expect(result.cause.message.length).toBeLessThan(600);
  });
});

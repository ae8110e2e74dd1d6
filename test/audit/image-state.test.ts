// The state of an image by its verdicts.
import { describe, expect, it } from 'vitest';
import {
  type ImageState,
  imageState,
  isJudged,
  type RecordedVerdict,
} from '../../agent/audit/image-state.ts';
import { verdictOf as verdict } from '../support/verdict.ts';

const verdictOf = (broken: Partial<RecordedVerdict>): RecordedVerdict => ({
  ...verdict(broken),
  mode: 'enforce',
  ...broken,
});

const EARLY = '2026-08-22T10:00:00Z';
const LATE = '2026-08-22T10:00:00.001Z';

describe('imageState', () => {
  it.each<[string, Partial<RecordedVerdict>, ImageState]>([
    ['a good signature', {}, 'verified'],
    ['a policy that asks for none', { reason: 'skipped_by_policy' }, 'skipped'],
    ['a refusal', { decision: 'deny', reason: 'signature_missing' }, 'failed'],
    [
      'a registry that was down',
      { decision: 'deny', reason: 'registry_timeout', inconclusive: true },
      'inconclusive',
    ],
    ['doubt that the policy lets pass', { inconclusive: true }, 'inconclusive'],
  ])('of %s', (_, broken, state) => {
    expect(imageState({ pull: verdictOf(broken), reverification: null })).toBe(state);
    expect(imageState({ pull: null, reverification: verdictOf(broken) })).toBe(state);
  });

  it('is pending without a verdict', () => {
    expect(imageState({ pull: null, reverification: null })).toBe('pending');
  });

  it.each([
    [EARLY, LATE, 'failed'],
    [LATE, EARLY, 'verified'],
    [EARLY, EARLY, 'failed'],
  ])('goes by the later verdict: pull %s, re-verification %s', (pulled, reverified, state) => {
    const pull = verdictOf({ time: pulled });
    const reverification = verdictOf({
      decision: 'deny',
      reason: 'signature_missing',
      time: reverified,
    });
    expect(imageState({ pull, reverification })).toBe(state);
  });

  it('goes by the verdict of a pull in audit mode, and not by a pull that nobody judged', () => {
    const denied = { decision: 'deny', reason: 'signature_missing' } as const;
    const audited = verdictOf({ ...denied, mode: 'audit' });
    expect(imageState({ pull: audited, reverification: null })).toBe('failed');
    const pull = verdictOf({ reason: 'break_glass', mode: 'break_glass', time: LATE });
    expect(imageState({ pull, reverification: null })).toBe('pending');
    const reverification = verdictOf({ ...denied, mode: 'none', time: EARLY });
    expect(imageState({ pull, reverification })).toBe('failed');
  });
});

describe('isJudged', () => {
  it('takes a pull that was allowed, and nothing that came later', () => {
    const denied = verdictOf({ decision: 'deny', reason: 'signature_missing' });
    expect(isJudged({ pull: verdictOf({}), reverification: denied })).toBe(true);
    expect(isJudged({ pull: denied, reverification: null })).toBe(false);
    expect(isJudged({ pull: null, reverification: verdictOf({}) })).toBe(false);
  });

  it('takes one that audit mode let in, and none that break-glass did', () => {
    const denied = { decision: 'deny', reason: 'signature_missing' } as const;
    const audited = verdictOf({ ...denied, mode: 'audit' });
    expect(isJudged({ pull: audited, reverification: null })).toBe(true);
    const unjudged = verdictOf({ reason: 'break_glass', mode: 'break_glass' });
    expect(isJudged({ pull: unjudged, reverification: null })).toBe(false);
  });
});

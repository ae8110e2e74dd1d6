// The state of an image by its verdicts.
import { describe, expect, it } from 'vitest';
import {
  imageCause,
  type ImageState,
  imageState,
  pullEvidence,
  type RecordedVerdict,
} from '../../agent/audit/image-state.ts';
import { MAX_PULL_MS } from '../../agent/audit/image-arrival.ts';
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
    ['a policy that asks for none', { reason: 'skipped_by_policy' }, 'unverified'],
    ['a refusal', { decision: 'deny', reason: 'signature_missing' }, 'failed'],
    [
      'a registry that was down',
      { decision: 'deny', reason: 'registry_timeout', inconclusive: true },
      'inconclusive',
    ],
    ['doubt that the policy lets pass', { inconclusive: true }, 'inconclusive'],
  ])('of %s', (_, broken, state) => {
    expect(imageState({ pull: verdictOf(broken), reverification: null }, false)).toBe(state);
    expect(imageState({ pull: null, reverification: verdictOf(broken) }, false)).toBe(state);
  });

  it('is unverified without a verdict', () => {
    expect(imageState({ pull: null, reverification: null }, true)).toBe('unverified');
  });

  it('is stale where we cannot tell just now and could before', () => {
    const unsure = verdictOf({ decision: 'deny', reason: 'registry_timeout', inconclusive: true });
    expect(imageState({ pull: null, reverification: unsure }, true)).toBe('stale');
    expect(imageState({ pull: null, reverification: unsure }, false)).toBe('inconclusive');
    expect(imageState({ pull: null, reverification: verdictOf({}) }, true)).toBe('verified');
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
    expect(imageState({ pull, reverification }, true)).toBe(state);
  });

  it('goes by the verdict of a pull in audit mode, and not by a pull that nobody judged', () => {
    const denied = { decision: 'deny', reason: 'signature_missing' } as const;
    const audited = verdictOf({ ...denied, mode: 'audit' });
    expect(imageState({ pull: audited, reverification: null }, true)).toBe('failed');
    const pull = verdictOf({ reason: 'break_glass', mode: 'break_glass', time: LATE });
    expect(imageState({ pull, reverification: null }, true)).toBe('unverified');
    const reverification = verdictOf({ ...denied, mode: 'none', time: EARLY });
    expect(imageState({ pull, reverification }, true)).toBe('failed');
  });
});

describe('imageCause', () => {
  it('is how the image came, unless the policy asks for no signature', () => {
    const skipped = verdictOf({ reason: 'skipped_by_policy' });
    expect(imageCause({ pull: null, reverification: null }, 'imported')).toBe('imported');
    expect(imageCause({ pull: null, reverification: verdictOf({}) }, 'imported')).toBe('imported');
    expect(imageCause({ pull: null, reverification: skipped }, 'imported')).toBe(
      'skipped-by-policy',
    );
  });
});

describe('pullEvidence', () => {
  const evidence = (broken: Partial<RecordedVerdict>) =>
    pullEvidence({ pull: verdictOf({ time: LATE, ...broken }), reverification: null });
  const denied = { decision: 'deny', reason: 'signature_missing' } as const;

  it('is none without a pull', () => {
    expect(pullEvidence({ pull: null, reverification: verdictOf({}) })).toBeNull();
  });

  it('takes a pull that was allowed, and one that audit mode let in', () => {
    const untilMs = Date.parse(LATE) + MAX_PULL_MS;
    const judged = { isIn: true, isJudged: true, untilMs };
    expect(evidence({})).toEqual(judged);
    expect(evidence({ ...denied, mode: 'audit' })).toEqual(judged);
    expect(evidence(denied)).toMatchObject({ isIn: false, isJudged: true });
  });

  it('takes one that break-glass let in for one that nobody judged', () => {
    const unjudged = { reason: 'break_glass', mode: 'break_glass' } as const;
    expect(evidence(unjudged)).toMatchObject({ isIn: true, isJudged: false });
  });
});

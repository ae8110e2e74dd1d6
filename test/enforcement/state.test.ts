import { describe, expect, it } from 'vitest';
import { causeOf } from '../../agent/enforcement/causes.ts';
import {
  type CanaryRecord,
  enforcementOf,
  type Evidence,
  type Suspicion,
} from '../../agent/enforcement/state.ts';

const HOUR_MS = 3_600_000;
const NOW = new Date('2026-06-01T12:00:00Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);

const proved = (at: Date): CanaryRecord => ({ result: { kind: 'proved' }, at });
const refuted = (at: Date): CanaryRecord => ({
  result: { kind: 'refuted', cause: causeOf('unsigned_image_came_in') },
  at,
});
const inconclusive = (at: Date): CanaryRecord => ({
  result: { kind: 'inconclusive', cause: causeOf('agent_not_asked') },
  at,
});
const suspect = (code: string, effect: Suspicion['effect']): Suspicion => ({
  ...{ code, effect, message: `${code}.`, remedy: 'Mend it.' },
});
const BYPASS = suspect('discard_unpacked_layers', 'bypass');
const BLOCKS = suspect('verifier_broken', 'blocks');
const WARNING = suspect('other_verifier', 'warning');

const NOTHING: Evidence = {
  suspicions: [],
  last: null,
  told: null,
  provedAt: null,
  changedAt: null,
  intervalMs: HOUR_MS,
};

/** `state: codes of the causes`. */
function stateOf(evidence: Partial<Evidence>, now = NOW): string {
  const { state, causes } = enforcementOf({ ...NOTHING, ...evidence }, now);
  return [`${state}:`, ...causes.map(({ code }) => code)].join(' ');
}

/** One canary, which is both the last and the last that told anything. */
const only = (canary: CanaryRecord) => ({ last: canary, told: canary });

describe('the state of a node', () => {
  it.each([
    ['refuted, nothing suspected', [], 'bypassed: unsigned_image_came_in'],
    [
      'refuted, all kinds suspected',
      [WARNING, BLOCKS, BYPASS],
      'bypassed: unsigned_image_came_in discard_unpacked_layers verifier_broken other_verifier',
    ],
    [
      'refuted, because images are let in on purpose',
      [BYPASS, suspect('audit_mode', 'opened')],
      'bypassed: audit_mode unsigned_image_came_in discard_unpacked_layers',
    ],
  ])('is bypassed when a fresh canary was %s', (_, suspicions, expected) => {
    expect(stateOf({ suspicions, ...only(refuted(ago(1000))) })).toBe(expected);
  });

  it.each([
    ['nothing suspected', [], 'enforcing:'],
    [
      'suspicions, which are still told',
      [WARNING, BYPASS],
      'enforcing: discard_unpacked_layers other_verifier',
    ],
  ])('is enforcing when a fresh canary proved it, with %s', (_, suspicions, expected) => {
    expect(stateOf({ suspicions, ...only(proved(ago(1000))) })).toBe(expected);
  });

  it.each([
    ['before the first', {}, 'canary_pending'],
    ['when none told anything', { last: inconclusive(ago(1000)) }, 'agent_not_asked'],
    ['when the proof is old', only(proved(ago(2 * HOUR_MS + 1))), 'canary_stale'],
    ['when the refutation is old', only(refuted(ago(2 * HOUR_MS + 1))), 'canary_stale'],
    ['after a change', { ...only(proved(ago(1000))), changedAt: ago(999) }, 'canary_pending'],
  ] as const)('without a canary that tells, %s, is what is suspected', (_, canaries, why) => {
    expect(stateOf(canaries)).toBe(`unknown: ${why}`);
    expect(stateOf({ ...canaries, suspicions: [WARNING, BLOCKS] })).toBe(
      `unknown: ${why} verifier_broken other_verifier`,
    );
    expect(stateOf({ ...canaries, suspicions: [WARNING, BYPASS] })).toBe(
      `bypassed: discard_unpacked_layers other_verifier ${why}`,
    );
  });

  it('outlives later canaries that tell nothing, and tells why they do', () => {
    const last = inconclusive(ago(0));
    expect(stateOf({ told: proved(ago(1000)), last })).toBe('enforcing: agent_not_asked');
    expect(stateOf({ told: refuted(ago(1000)), last, suspicions: [WARNING] })).toBe(
      'bypassed: unsigned_image_came_in other_verifier agent_not_asked',
    );
    expect(stateOf({ told: proved(ago(2 * HOUR_MS + 1)), last })).toBe('unknown: agent_not_asked');
  });

  it('rests on a canary of up to two intervals', () => {
    expect(stateOf(only(proved(ago(2 * HOUR_MS))))).toBe('enforcing:');
    expect(stateOf(only(proved(ago(2 * HOUR_MS + 1))))).toBe('unknown: canary_stale');
    const evidence = { ...only(proved(ago(1000))), intervalMs: 400 };
    expect(stateOf(evidence)).toBe('unknown: canary_stale');
  });

  it('rests on a canary begun at or after the last change', () => {
    const canary = only(proved(ago(1000)));
    expect(stateOf({ ...canary, changedAt: ago(1000) })).toBe('enforcing:');
    expect(stateOf({ ...canary, changedAt: ago(999) })).toBe('unknown: canary_pending');
    const refutation = only(refuted(ago(1000)));
    expect(stateOf({ ...refutation, changedAt: ago(999) })).toBe('unknown: canary_pending');
    const later = { last: inconclusive(ago(500)), told: proved(ago(1000)), changedAt: ago(700) };
    expect(stateOf(later)).toBe('unknown: agent_not_asked');
  });

  it('does not rest on a canary of the future, which a clock that jumped back leaves', () => {
    expect(stateOf(only(proved(ago(-60_000))))).toBe('enforcing:');
    expect(stateOf(only(proved(ago(-60_001))))).toBe('unknown: canary_stale');
  });

  it('tells when it was proved last, whatever it is now', () => {
    const provedAt = ago(5 * HOUR_MS);
    for (const canary of [{}, only(refuted(ago(1))), only(proved(provedAt))]) {
      expect(enforcementOf({ ...NOTHING, ...canary, provedAt }, NOW).provedAt).toBe(provedAt);
    }
    expect(enforcementOf(NOTHING, NOW).provedAt).toBeNull();
  });

  it('tells of causes what they are and what to do, and no more', () => {
    const { causes } = enforcementOf({ ...NOTHING, suspicions: [BYPASS] }, NOW);
    expect(causes[0]).toEqual({
      code: 'discard_unpacked_layers',
      message: 'discard_unpacked_layers.',
      remedy: 'Mend it.',
    });
    expect(causes[1]).toEqual(causeOf('canary_pending'));
  });
});

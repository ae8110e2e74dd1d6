// How good or bad what the status page shows is; the style sheet has a colour for each, and words say the same.
import type { EnforcementStateName, ImageState } from '../labels.ts';

export type Tone = 'good' | 'unsure' | 'bad' | 'plain';

/** Tones of images that somebody should look at, and of those that are verified. */
export const STATE_TONES: Readonly<Record<ImageState, Tone>> = {
  verified: 'good',
  stale: 'unsure',
  inconclusive: 'unsure',
  unverified: 'unsure',
  failed: 'bad',
};

export const ENFORCEMENT_TONES: Readonly<Record<EnforcementStateName, Tone>> = {
  enforcing: 'good',
  bypassed: 'bad',
  unknown: 'unsure',
};

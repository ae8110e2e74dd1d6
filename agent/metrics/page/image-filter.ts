// Which images the status page shows: what a reader chose in its form, read from the address.
import { IMAGE_STATES, type ImageState } from '../labels.ts';

/** `all`: any state. `look`: those that somebody should look at. */
export const IMAGE_CHOICES = ['all', 'look', ...IMAGE_STATES] as const;
export type ImageChoice = 'all' | 'look' | ImageState;

export interface ImageFilter {
  readonly choice: ImageChoice;
  /** Only what runs. */
  readonly isRunning: boolean;
  /** What name, digest, signer or pod contains; '' for any. */
  readonly text: string;
}

/** Longer than any name that containerd takes. */
export const MAX_FILTER_CHARACTERS = 300;

/** Reads the query of an address; what it does not say, or says wrongly, does not restrict. Never throws. */
export function parseImageFilter(query: string): ImageFilter {
  const values = new URLSearchParams(query);
  const choice = IMAGE_CHOICES.find((one) => one === values.get('state')) ?? 'all';
  const text = (values.get('text') ?? '').trim().slice(0, MAX_FILTER_CHARACTERS);
  return { choice, isRunning: values.get('running') === 'yes', text };
}

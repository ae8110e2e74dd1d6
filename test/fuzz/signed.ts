// Every reader of bytes that somebody signed: whatever is accepted says what was signed.
import type { Reader } from './fuzz.ts';
import { SIGNED_ENVELOPES } from './signed/envelopes.ts';
import { SIGNED_EVIDENCE } from './signed/evidence.ts';

export const SIGNED: readonly Reader[] = [...SIGNED_ENVELOPES, ...SIGNED_EVIDENCE];

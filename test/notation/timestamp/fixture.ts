// A message, the authority that most tests ask, and the verification of what it answered.
import {
  type VerifiedTimestamp,
  verifyTimestamp,
} from '../../../agent/notation/timestamp/timestamp.ts';
import { type Certificate, parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import { createTsa, type TestTsa, type TokenOptions } from '../../support/tsa.ts';

/** Stands for the primitive signature of an envelope. */
export const MESSAGE = Buffer.from('a primitive signature');

/** With one intermediate, all keys P-256. */
export const TSA = createTsa({ intermediates: 1 });

/** Verifies a token of the authority, which is trusted. */
export function verifyStamp(options: TokenOptions = {}, tsa: TestTsa = TSA): VerifiedTimestamp {
  return verifyTimestamp(tsa.stamp(MESSAGE, options), MESSAGE, trusting(tsa.root));
}

/** The content of a trust store of type tsa. */
export function trusting(...roots: readonly TestCertificate[]): Certificate[] {
  return roots.map((root, index) => parseCertificate(root.der, `root ${index + 1}`));
}

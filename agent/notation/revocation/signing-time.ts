// Signing before a key became suspect: trust-store-trust-policy.md, "Certificate Revocation Evaluation".

/**
 * Tells whether something was signed before the invalidity date of the certificate that signed it,
 * which then stays good. Only the time of a signing authority counts: the one that a signer writes is
 * what a thief of the key would write.
 */
export function isSignedBefore(
  authenticSigningTime: Date | undefined,
  invalidityDate: Date | undefined,
): boolean {
  if (authenticSigningTime === undefined || invalidityDate === undefined) return false;
  return authenticSigningTime < invalidityDate;
}

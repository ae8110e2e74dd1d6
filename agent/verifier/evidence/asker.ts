// Who asks for evidence, and for what.

export interface EvidenceAsker {
  /** In no hurry: leaves a server that failed alone for longer. Default: a pull waits for the answer. */
  readonly isPatient?: boolean;
}

export interface RevocationOptions extends EvidenceAsker {
  /** That of the scheme notary.x509.signingAuthority. */
  readonly authenticSigningTime?: Date;
}

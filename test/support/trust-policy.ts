// A good trust policy document, to be broken in one place.

/** A statement as JSON. */
export type StatementJson = Record<string, unknown>;

/** A good statement, with members replaced; undefined leaves one out. */
export function statement(changes: StatementJson = {}): StatementJson {
  return {
    name: 'acme',
    registryScopes: ['example.io/acme/app'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:acme'],
    trustedIdentities: ['x509.subject: C=US,ST=WA,O=Acme'],
    ...changes,
  };
}

/** A good statement that asks for no signature. */
export function skipStatement(changes: StatementJson = {}): StatementJson {
  return {
    name: 'unsigned',
    registryScopes: ['example.io/unsigned'],
    signatureVerification: { level: 'skip' },
    ...changes,
  };
}

/** The bytes of a document of statements, with members replaced. */
export function documentOf(
  statements: readonly unknown[] = [statement()],
  changes: Record<string, unknown> = {},
): Uint8Array {
  return encode({ version: '1.0', trustPolicies: statements, ...changes });
}

/** The bytes of any value as JSON. */
export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

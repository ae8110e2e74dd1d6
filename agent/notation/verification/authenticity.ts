// Authenticity: who signed, and whether the policy statement trusts them.
import { AgentError } from '../../errors.ts';
import type { SigningScheme } from '../signature/attributes.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import { isTrustedIdentity } from '../trustpolicy/identity.ts';
import type { Statement } from '../trustpolicy/statement.ts';
import {
  type TrustStoreName,
  type TrustStoreType,
  trustStoreType,
} from '../trustpolicy/trust-store-name.ts';
import type { Certificate } from '../x509/certificate.ts';

/** The trust stores of a statement, or why they could not be loaded. */
export type Trust =
  | readonly { readonly name: TrustStoreName; readonly certificates: readonly Certificate[] }[]
  | AgentError;

/** signing-scheme.md, "Signing Schemes": each scheme has a trust store type of its own. */
const STORE_TYPE: Readonly<Record<SigningScheme, TrustStoreType>> = {
  'notary.x509': 'ca',
  'notary.x509.signingAuthority': 'signingAuthority',
};

/**
 * Passes when a certificate of the chain is in a store of the right type and the leaf matches a
 * trusted identity. Throws `certificate_untrusted`, `identity_untrusted`, or why there is no trust.
 */
export function verifyAuthenticity(
  { chain, signingScheme }: VerifiedSignature,
  statement: Statement,
  trust: Trust,
): string {
  if (trust instanceof AgentError) throw trust;
  const type = STORE_TYPE[signingScheme];
  const stores = trust.filter((store) => trustStoreType(store.name) === type);
  const anchor = stores.find((store) => holdsAny(store.certificates, chain));
  const [leaf] = chain;
  if (anchor === undefined) {
    const names = stores.map((store) => store.name).join(', ');
    throw new AgentError(
      'certificate_untrusted',
      `signing certificate ${leaf.subject.text}: expected a chain with a certificate of ${names === '' ? `a trust store of type ${type}` : names}, found none`,
    );
  }
  if (!isTrustedIdentity(statement.trustedIdentities, leaf.subject.attributes)) {
    throw new AgentError(
      'identity_untrusted',
      `signing certificate ${leaf.subject.text}: expected a trusted identity of the policy statement ${JSON.stringify(statement.name)}, found none that matches`,
    );
  }
  return `${leaf.subject.text}, trusted by ${anchor.name}`;
}

/** Byte equality: a certificate that merely has the same name or key is another certificate. */
function holdsAny(certificates: readonly Certificate[], chain: readonly Certificate[]): boolean {
  return certificates.some((trusted) =>
    chain.some((certificate) => Buffer.compare(trusted.raw, certificate.raw) === 0),
  );
}

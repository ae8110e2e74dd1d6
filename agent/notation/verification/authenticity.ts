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

/** A trust store of a statement: its certificates, or why they could not be loaded. */
export interface TrustStore {
  readonly name: TrustStoreName;
  readonly certificates: readonly Certificate[] | AgentError;
}

/** The trust stores of one type, which are all that counts for what is verified against them. */
export interface LoadedStore extends TrustStore {
  readonly certificates: readonly Certificate[];
}

/** signing-scheme.md, "Signing Schemes": each scheme has a trust store type of its own. */
const STORE_TYPE: Readonly<Record<SigningScheme, TrustStoreType>> = {
  'notary.x509': 'ca',
  'notary.x509.signingAuthority': 'signingAuthority',
};

/**
 * The stores of one type. Throws why one of them could not be loaded: without it nobody can say what
 * its owner trusts. What is wrong with stores of another type does not matter.
 */
export function storesOfType(
  trust: readonly TrustStore[],
  type: TrustStoreType,
): readonly LoadedStore[] {
  return trust.flatMap(({ name, certificates }) => {
    if (trustStoreType(name) !== type) return [];
    if (certificates instanceof AgentError) throw certificates;
    return [{ name, certificates }];
  });
}

/**
 * The trust store that holds a certificate of the chain. Throws `certificate_untrusted`, or why a
 * trust store could not be loaded.
 */
export function findAnchor(
  { chain, signingScheme }: VerifiedSignature,
  trust: readonly TrustStore[],
): TrustStoreName {
  const type = STORE_TYPE[signingScheme];
  const stores = storesOfType(trust, type);
  const anchor = stores.find((store) => holdsAny(store.certificates, chain));
  if (anchor !== undefined) return anchor.name;
  const names = stores.map((store) => store.name).join(', ');
  throw new AgentError(
    'certificate_untrusted',
    `signing certificate ${chain[0].subject.text}: expected a chain with a certificate of ${names === '' ? `a trust store of type ${type}` : names}, found none`,
  );
}

/** Passes when the leaf matches a trusted identity of the statement. Throws `identity_untrusted`. */
export function assertTrustedIdentity({ chain }: VerifiedSignature, statement: Statement): void {
  const [{ subject }] = chain;
  if (isTrustedIdentity(statement.trustedIdentities, subject.attributes)) return;
  throw new AgentError(
    'identity_untrusted',
    `signing certificate ${subject.text}: expected a trusted identity of the policy statement ${JSON.stringify(statement.name)}, found none that matches`,
  );
}

/** Byte equality: a certificate that merely has the same name or key is another certificate. */
function holdsAny(certificates: readonly Certificate[], chain: readonly Certificate[]): boolean {
  return certificates.some((trusted) =>
    chain.some((certificate) => Buffer.compare(trusted.raw, certificate.raw) === 0),
  );
}

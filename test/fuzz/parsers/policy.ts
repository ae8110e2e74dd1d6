// Trust policy: the document and the small languages in it.
import { checkPolicy } from '../../../agent/notation/trustpolicy/check.ts';
import { parseDistinguishedName } from '../../../agent/notation/trustpolicy/distinguished-name.ts';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import { Findings } from '../../../agent/notation/trustpolicy/findings.ts';
import { parseTrustedIdentities } from '../../../agent/notation/trustpolicy/identity.ts';
import { parseRegistryScopes } from '../../../agent/notation/trustpolicy/scope.ts';
import { parseTrustStores } from '../../../agent/notation/trustpolicy/trust-store-name.ts';
import { documentOf, skipStatement, statement } from '../../support/trust-policy.ts';
import type { Reader } from '../fuzz.ts';
import { ofText, texts } from '../text.ts';

type ListParser = (value: unknown, place: string, findings: Findings) => unknown;

export const POLICY_READERS: readonly Reader[] = [
  { name: 'trust policy document', seeds: documents, read: (bytes) => parseTrustPolicy(bytes) },
  { name: 'trust policy document, checked', seeds: documents, read: checkPolicy },
  {
    name: 'distinguished name',
    seeds: () =>
      texts('C=US, ST=WA, O=Acme', 'CN=Zo\\c3\\ab\\, x;OU=;2.5.4.3="a"', ' S = WA\\  ,O=\\#a'),
    read: ofText(parseDistinguishedName),
  },
  list(
    'registry scope',
    parseRegistryScopes,
    ...['example.io/acme/app', 'localhost:5000/a__b/c--d.e', '*'],
  ),
  list('trusted identity', parseTrustedIdentities, 'x509.subject: C=US,O=Acme', '*', 'x.y: arn:a'),
  list('trust store name', parseTrustStores, 'ca:acme', 'signingAuthority:a.b', 'tsa:a-b_c'),
];

function documents(): readonly Uint8Array[] {
  const custom = { level: 'permissive', override: { expiry: 'enforce', revocation: 'skip' } };
  const all = { ...custom, verifyTimestamp: 'afterCertExpiry' };
  return [
    documentOf(),
    documentOf([
      statement({ signatureVerification: all, trustStores: ['ca:a', 'tsa:b'] }),
      skipStatement({ registryScopes: ['a.b/c', 'a.b/d'] }),
      statement({ name: 'rest', registryScopes: ['*'], trustedIdentities: ['*'] }),
    ]),
  ];
}

/** One text, as the only item of a list; what is found wrong with it is the error. */
function list(name: string, parse: ListParser, ...seeds: readonly string[]): Reader {
  return {
    name,
    seeds: () => texts(...seeds),
    read: ofText((text) => {
      const findings = new Findings();
      const value = parse([text], 'list', findings);
      findings.assertNoFaults('policy_invalid');
      return value;
    }),
  };
}

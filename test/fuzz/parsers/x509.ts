// X.509: certificates whole, their names and extensions on their own, and files of trust stores.
import { verifyCodeSigningChain } from '../../../agent/notation/x509/code-signing.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { DerReader } from '../../../agent/notation/encoding/der.ts';
import { readExtensions } from '../../../agent/notation/x509/extensions.ts';
import { readName } from '../../../agent/notation/x509/name.ts';
import { readPublicKey } from '../../../agent/notation/x509/public-key.ts';
import { parseStoreFile } from '../../../agent/verifier/truststore/trust-store.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import { crlExtension, distributionPoints } from '../../support/crl.ts';
import {
  bitString,
  boolean,
  integer,
  objectIdentifier,
  sequence,
  set,
  utf8String,
} from '../../support/der.ts';
import { testKey } from '../../support/keys.ts';
import type { Reader } from '../fuzz.ts';
import { pem } from '../text.ts';

const CA = createCa({ intermediates: 1 });
const LEAF = CA.issue({
  ocspUrl: 'http://ocsp.example/',
  crlUrl: 'http://crl.example/a.crl',
  extensions: [{ oid: '1.3.6.1.4.1.99999.1', critical: true, value: Buffer.of(5, 0) }],
});
const PSS_LEAF = CA.issue({ key: testKey('rsa-2048', 'leaf'), subjectDer: manyNames() });

export const X509_READERS: readonly Reader[] = [
  {
    name: 'certificate',
    seeds: () => [...LEAF.chain, PSS_LEAF.der, createSelfSigned().der],
    read: (bytes) => parseCertificate(bytes, 'certificate'),
  },
  {
    name: 'certificate extensions',
    seeds: () => [
      sequence(
        crlExtension('2.5.29.19', sequence(boolean(true), integer(3)), true),
        crlExtension('2.5.29.15', bitString(Buffer.of(0x86), 1), true),
        crlExtension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.3'))),
        crlExtension(
          '2.5.29.31',
          distributionPoints([['http://a/1', 'ldap://a/2'], ['http://b/']]),
        ),
        crlExtension('1.3.6.1.5.5.7.48.1.5', Buffer.of(5, 0)),
      ),
    ],
    read: (bytes) => readExtensions(derOf(bytes)),
  },
  {
    name: 'name',
    seeds: () => [LEAF.subject, manyNames()],
    read: (bytes) => readName(derOf(bytes), 'name'),
  },
  {
    name: 'public key',
    seeds: () =>
      (['p256', 'p384', 'p521', 'rsa-2048', 'ed25519'] as const).map((type) =>
        testKey(type, 'leaf').publicKey.export({ format: 'der', type: 'spki' }),
      ),
    read: (bytes) => readPublicKey(derOf(bytes), 'public key'),
  },
  {
    name: 'certificate chain',
    seeds: () => [Buffer.concat(LEAF.chain)],
    read: (bytes) => verifyCodeSigningChain(split(bytes)),
  },
  {
    name: 'file of a ca store',
    seeds: () => [Buffer.concat(LEAF.chain.slice(1)), pem(CA.root.der)],
    read: (bytes) => parseStoreFile(bytes, 'ca:acme', 'file'),
  },
  {
    name: 'file of a tsa store',
    seeds: () => [CA.root.der, pem(CA.root.der)],
    read: (bytes) => parseStoreFile(bytes, 'tsa:acme', 'file'),
  },
];

function derOf(bytes: Uint8Array): DerReader {
  return new DerReader(bytes, 'input', 'certificate_invalid');
}

function split(bytes: Uint8Array) {
  const reader = derOf(bytes);
  const certificates = [];
  while (reader.peek() !== undefined) {
    certificates.push(parseCertificate(reader.readAny('certificate').raw, 'certificate'));
  }
  return certificates;
}

/** Several values in one RDN, an attribute twice, and one of another type. */
function manyNames(): Buffer {
  const attribute = (oid: string, value: string): Buffer =>
    sequence(objectIdentifier(oid), utf8String(value));
  return sequence(
    set(attribute('2.5.4.6', 'US')),
    set(attribute('2.5.4.11', 'a'), attribute('2.5.4.11', 'b')),
    set(attribute('1.3.6.1.4.1.311.60.2.1.3', 'US')),
    set(attribute('2.5.4.3', 'Zoë\\, "x"+y')),
  );
}

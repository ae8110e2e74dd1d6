// An in-process CA: a root, as many intermediates as asked for, and the leaves they issue.
import {
  type CertificateOptions,
  mintCertificate,
  type SubjectAttributes,
  type TestCertificate,
} from './certificate.ts';
import { type KeyType, testKey } from './keys.ts';

export interface CaOptions {
  /** Common name of the root, and the slot of its keys: CAs of two names share no key. Default `Test`. */
  readonly name?: string;
  /** Type of the CA keys. Default `p256`. */
  readonly key?: KeyType;
  /** How many intermediates between root and leaves. Default 0. */
  readonly intermediates?: number;
  /** Overrides for the root and for every intermediate. */
  readonly root?: CertificateOptions;
  readonly intermediate?: CertificateOptions;
}

export interface TestCa {
  readonly root: TestCertificate;
  /** What signs leaves: the lowest intermediate, or else the root. */
  readonly issuer: TestCertificate;
  /**
   * Issues a leaf: by default a good code-signing certificate with a P-256 key and the subject
   * `CN=leaf,O=Example,ST=WA,C=US`. Its `chain` ends in the root.
   */
  readonly issue: (options?: CertificateOptions) => TestCertificate;
}

/** The subject of certificates that a test does not name. */
export function subjectNamed(commonName: string): SubjectAttributes {
  return [
    ['C', 'US'],
    ['ST', 'WA'],
    ['O', 'Example'],
    ['CN', commonName],
  ];
}

/** Creates a CA. Synchronous; only RSA keys take noticeable time, once per type and slot. */
export function createCa(options: CaOptions = {}): TestCa {
  const { name = 'Test', key = 'p256', intermediates = 0 } = options;
  const root = mintCertificate({ ...caOptions(name, `${name} root`, key), ...options.root });
  let issuer = root;
  for (let number = 1; number <= intermediates; number++) {
    issuer = mintCertificate(
      { ...caOptions(name, `${name} intermediate ${number}`, key), ...options.intermediate },
      issuer,
    );
  }
  return {
    root,
    issuer,
    issue: (leaf = {}) =>
      mintCertificate(
        { subject: subjectNamed('leaf'), key: testKey('p256', 'leaf'), ...leaf },
        issuer,
      ),
  };
}

/** A self-signed code-signing certificate, as `notation cert generate-test` makes. */
export function createSelfSigned(options: CertificateOptions = {}): TestCertificate {
  return mintCertificate({
    subject: subjectNamed('self-signed'),
    key: testKey('p256', 'self-signed'),
    basicConstraints: null,
    ...options,
  });
}

function caOptions(name: string, commonName: string, key: KeyType): CertificateOptions {
  return {
    subject: subjectNamed(commonName),
    key: testKey(key, `${name} ${commonName}`),
    basicConstraints: { ca: true },
    keyUsage: { usages: ['keyCertSign', 'cRLSign'] },
    extendedKeyUsage: null,
  };
}

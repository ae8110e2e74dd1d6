// Who signed a token, and what: each rule with a signer that keeps it and the same with that one thing broken.
import { describe, expect, it } from 'vitest';
import { createCa } from '../../support/ca.ts';
import { algorithmIdentifier } from '../../support/certificate-signature.ts';
import { der, explicit, nullValue, objectIdentifier, sequence, set } from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import type { KeyType } from '../../support/keys.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import {
  ATTRIBUTES,
  createTsa,
  issuerAndSerialNumber,
  type SignerOptions,
} from '../../support/tsa.ts';
import { verifyStamp } from './fixture.ts';

const RSA = createTsa({ name: 'RSA TSA', key: 'rsa-2048', signerKey: 'rsa-2048' });
const OTHER = createCa({ name: 'Other' }).issue();
const RSA_ENCRYPTION = sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue());
const refuse = (options: SignerOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

describe('a signer', () => {
  it.each<[KeyType, SignerOptions]>([
    ['rsa-2048', {}],
    ['rsa-3072', { digest: 'sha384' }],
    ['rsa-4096', { digest: 'sha512' }],
    ['rsa-2048', { signature: 'pss-sha256' }],
    ['rsa-2048', { signature: 'pss-sha384', digest: 'sha384' }],
    ['rsa-2048', { signature: 'pss-sha512', digest: 'sha512' }],
    ['p256', { digest: 'sha256' }],
    ['p384', { digest: 'sha384' }],
    ['p521', { digest: 'sha512' }],
    ['p384', { digest: 'sha256' }],
  ])('with a key of %s and %o is accepted', (signerKey, options) => {
    const tsa = createTsa({ name: `TSA ${signerKey}`, signerKey });
    expect(verifyStamp(options, tsa).chain).toHaveLength(2);
  });

  it('may name RSA without the hash, which then is the digest', () => {
    for (const digest of ['sha256', 'sha512'] as const) {
      const options: SignerOptions = { digest, signatureAlgorithm: RSA_ENCRYPTION };
      expect(verifyStamp(options, RSA).chain).toHaveLength(2);
    }
    const options: SignerOptions = { signature: 'rsa-sha512', signatureAlgorithm: RSA_ENCRYPTION };
    expectCode(() => verifyStamp(options, RSA), 'timestamp_invalid');
  });

  it.each([
    ['RSA', '1.2.840.113549.1.1.1'],
    ['RSA with SHA-256', '1.2.840.113549.1.1.11'],
  ])('may name %s without parameters', (_, oid) => {
    const signatureAlgorithm = sequence(objectIdentifier(oid));
    expect(verifyStamp({ signatureAlgorithm }, RSA).time).toEqual(STAMP_TIME);
  });

  it.each<[string, SignerOptions]>([
    ['digests with SHA-1', { digest: 'sha1', signature: 'rsa-sha256' }],
    ['signs with SHA-1', { signature: 'rsa-sha1' }],
    ['signs with MD5', { signature: 'rsa-md5' }],
    [
      'signs with the defaults of RSA-PSS',
      { signatureAlgorithm: sequence(objectIdentifier('1.2.840.113549.1.1.10')) },
    ],
    [
      'names RSA with parameters',
      { signatureAlgorithm: sequence(objectIdentifier('1.2.840.113549.1.1.1'), sequence()) },
    ],
    [
      'names RSA with SHA-256 and parameters',
      { signatureAlgorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11'), sequence()) },
    ],
    ['signs with Ed25519', { signatureAlgorithm: algorithmIdentifier('ed25519') }],
  ])('that %s is refused', (_, options) => {
    expectCode(() => verifyStamp(options, RSA), 'algorithm_unsupported');
  });

  it.each<[string, SignerOptions]>([
    ['names another hash for the digest', { signature: 'rsa-sha512' }],
    [
      'names an algorithm of other keys',
      { signatureAlgorithm: algorithmIdentifier('ecdsa-sha256') },
    ],
    [
      'names RSA-PSS and does not use it',
      { signatureAlgorithm: algorithmIdentifier('pss-sha256') },
    ],
    [
      'uses RSA-PSS and does not name it',
      { signature: 'pss-sha256', signatureAlgorithm: RSA_ENCRYPTION },
    ],
    ['has an empty signature', { tamper: () => Buffer.alloc(0) }],
    ['has another signature', { tamper: (signature) => signature.fill(1) }],
  ])('that %s is refused', (_, options) => {
    expectCode(() => verifyStamp(options, RSA), 'timestamp_invalid');
  });

  it.each(['rsa-1024', 'rsa-2560', 'p224', 'ed25519'] as const)(
    'with a key of %s is refused',
    (key) => {
      const tsa = createTsa({ name: 'TSA of odd keys', signerKey: key });
      const options: SignerOptions =
        key === 'ed25519'
          ? { signature: 'ed25519', signatureAlgorithm: algorithmIdentifier('ecdsa-sha256') }
          : {};
      expectCode(() => verifyStamp(options, tsa), 'certificate_key_unsupported');
    },
  );

  it.each<[string, SignerOptions, string]>([
    ['is of version 3', { version: 3 }, 'expected version 1, found 3'],
    ['is of version 0', { version: 0 }, 'expected version 1, found 0'],
    ['is named by its key', { identifier: der(0x80, Buffer.alloc(20)) }, 'identifier'],
    ['is another one', { identifier: issuerAndSerialNumber(OTHER.der) }, 'found two'],
    ['has trailing bytes', { trailer: nullValue() }, 'nothing more'],
  ])('that %s is refused', (_, options, message) => {
    expect(refuse(options)).toContain(message);
  });

  it('may have unsigned attributes, which do not count', () => {
    const trailer = explicit(1, sequence(objectIdentifier(ATTRIBUTES.messageDigest), set()));
    expect(verifyStamp({ trailer }).time).toEqual(STAMP_TIME);
  });

  it('is enough if it is good, wherever it stands', () => {
    const bad: SignerOptions = { tamper: (signature) => signature.fill(1) };
    for (const signers of [
      [{}, bad],
      [bad, {}],
      [{ version: 3 }, bad, {}],
    ]) {
      expect(verifyStamp({ signers }).time).toEqual(STAMP_TIME);
    }
    const error = expectCode(
      () => verifyStamp({ signers: [bad, { version: 3 }] }),
      'timestamp_invalid',
    );
    expect(error.message).toContain('none of 2 signers');
    expect(error.faults).toHaveLength(2);
  });
});

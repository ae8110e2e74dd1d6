// Which certificate signed a token: each way to name it, and the same with one thing broken.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import { createCa } from '../../support/ca.ts';
import {
  der,
  explicit,
  integer,
  nullValue,
  octetString,
  sequence,
  set,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import {
  ATTRIBUTES,
  createTsa,
  issuerAndSerialNumber,
  issuerSerial,
  type SignerOptions,
  signingCertificateV2,
  TIME_STAMPING,
} from '../../support/tsa.ts';
import { MESSAGE, trusting, TSA, verifyStamp } from './fixture.ts';

const OTHER = createCa({ name: 'Other' }).issue();
const refuse = (options: SignerOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

describe('the signing certificate', () => {
  const signingCertificate = (
    options: SignerOptions['signingCertificate'] = {},
  ): SignerOptions => ({ signingCertificate: options });

  it.each([
    ['by the default hash', signingCertificate()],
    ['by SHA-256 that is written', signingCertificate({ hash: 'sha256' })],
    ['by SHA-384', signingCertificate({ hash: 'sha384' })],
    ['by SHA-512', signingCertificate({ hash: 'sha512' })],
    ['without issuer and serial number', signingCertificate({ issuerSerial: null })],
    [
      'and its issuers after it',
      signingCertificate({ others: [sequence(octetString(Buffer.alloc(32)))] }),
    ],
    [
      'under policies',
      {
        attributes: {
          [ATTRIBUTES.signingCertificateV2]: set(
            sequence(
              sequence(sequence(octetString(createHash('sha256').update(TSA.signer.der).digest()))),
              sequence(),
            ),
          ),
        },
      },
    ],
  ] as const)('may be named %s', (_, options) => {
    expect(verifyStamp(options).time).toEqual(STAMP_TIME);
  });

  it.each([
    [
      'of another certificate',
      signingCertificate({ certificate: OTHER.der, issuerSerial: issuerSerial(TSA.signer.der) }),
      'with the hash',
    ],
    [
      'of another issuer',
      signingCertificate({ issuerSerial: issuerSerial(OTHER.der) }),
      'found two',
    ],
    [
      'of another certificate altogether',
      signingCertificate({ certificate: OTHER.der }),
      'found two',
    ],
    [
      'of none',
      { attributes: { [ATTRIBUTES.signingCertificateV2]: set(sequence(sequence())) } },
      'signing certificate',
    ],
    [
      'that has a second value',
      {
        attributes: {
          [ATTRIBUTES.signingCertificateV2]: set(
            signingCertificateV2(TSA.signer.der),
            signingCertificateV2(TSA.signer.der),
          ),
        },
      },
      'nothing more',
    ],
    [
      'whose issuer has no directory name',
      signingCertificate({
        issuerSerial: sequence(sequence(der(0x86, Buffer.from('x'))), integer(1)),
      }),
      'issuer name',
    ],
    [
      'whose issuer has two names',
      signingCertificate({
        issuerSerial: sequence(
          sequence(explicit(4, sequence()), explicit(4, sequence())),
          integer(1),
        ),
      }),
      'nothing more',
    ],
  ] as const)('must not be the name %s', (_, options, message) => {
    expect(refuse(options)).toContain(message);
  });

  it('is named without anything more', () => {
    const digest = octetString(createHash('sha256').update(TSA.signer.der).digest());
    const name = issuerSerial(TSA.signer.der);
    const within = (value: Buffer): SignerOptions => ({
      attributes: { [ATTRIBUTES.signingCertificateV2]: set(value) },
    });
    const [more, policies] = [nullValue(), sequence()];
    expect(verifyStamp(within(sequence(sequence(sequence(digest, name)), policies))).time).toEqual(
      STAMP_TIME,
    );
    for (const value of [
      sequence(sequence(sequence(digest, name)), policies, more),
      sequence(sequence(sequence(digest, name, more)), policies),
      sequence(sequence(sequence(digest, openSequence(name, more))), policies),
      sequence(
        sequence(sequence(digest, sequence(sequence(explicit(4, sequence(), more)), integer(1)))),
      ),
    ]) {
      expect(refuse(within(value))).toContain('nothing more');
    }
    const identifier = openSequence(issuerAndSerialNumber(TSA.signer.der), more);
    expect(refuse({ identifier })).toContain('nothing more');
  });

  it('must not be named by SHA-1', () => {
    expectCode(() => verifyStamp(signingCertificate({ hash: 'sha1' })), 'algorithm_unsupported');
  });

  // The hash alone tells the two apart, as key, names and serial number are the same.
  it('is the one that was signed for, not a twin of it', () => {
    const ca = createCa({ name: 'Twins' });
    const purpose = { extendedKeyUsage: { oids: [TIME_STAMPING], critical: true } };
    const twin = ca.issue({ serialNumber: 5, ...purpose });
    const tsa = createTsa({
      name: 'Twins',
      signer: { serialNumber: 5, key: twin.key, subject: [['CN', 'leaf']] },
    });
    expect(verifyStamp({}, tsa).time).toEqual(STAMP_TIME);
    const token = tsa.stamp(MESSAGE, { certificates: [twin.der] });
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(tsa.root)), 'timestamp_invalid');
    expect(verifyStamp({ certificates: [twin.der, tsa.signer.der] }, tsa).chain[0].raw).toEqual(
      tsa.signer.der,
    );
  });
});

/** The same SEQUENCE with something after what it holds. */
function openSequence(encoded: Buffer, more: Buffer): Buffer {
  return sequence(encoded.subarray(2), more); // shorter than 128 bytes
}

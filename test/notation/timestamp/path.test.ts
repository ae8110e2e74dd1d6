// From the signer of a token to a trusted root: paths that are found, and those that must not be.
import { describe, expect, it } from 'vitest';
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { subjectNamed } from '../../support/ca.ts';
import { mintCertificate, type TestCertificate } from '../../support/certificate.ts';
import { nullValue, sequence } from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import { createTsa, stampWith, TIME_STAMPING, type TsaOptions } from '../../support/tsa.ts';
import { MESSAGE, trusting, TSA, verifyStamp } from './fixture.ts';

const BEFORE = new Date(STAMP_TIME.getTime() - 1000);
const AFTER = new Date(STAMP_TIME.getTime() + 1000);
const NAME_CONSTRAINTS = '2.5.29.30';

describe('the path of a signer', () => {
  it('leads to one of the trusted roots', () => {
    const other = createTsa({ name: 'Other TSA' });
    const token = TSA.stamp(MESSAGE);
    const verify = (...roots: TestCertificate[]): unknown =>
      verifyTimestamp(token, MESSAGE, trusting(...roots));
    expect(verify(other.root, TSA.root)).toMatchObject({ time: STAMP_TIME });
    expectCode(() => verify(other.root), 'timestamp_untrusted');
    expectCode(() => verify(), 'timestamp_untrusted');
  });

  it('does not lead to a root that merely comes with the token', () => {
    const token = TSA.stamp(MESSAGE, { certificates: TSA.signer.chain });
    expectCode(() => verifyTimestamp(token, MESSAGE, []), 'timestamp_untrusted');
  });

  it('does not lead to a root of the same name with another key', () => {
    const twin = createTsa({ key: 'p384' }).root;
    expect(twin.subject).toEqual(TSA.root.subject);
    expectCode(
      () => verifyTimestamp(TSA.stamp(MESSAGE), MESSAGE, trusting(twin)),
      'timestamp_untrusted',
    );
  });

  it('needs its intermediates in the token', () => {
    expectCode(() => verifyStamp({ certificates: [TSA.signer.der] }), 'timestamp_untrusted');
  });

  it('may be a trusted self-signed certificate alone, which cannot be a CA', () => {
    const alone = mintCertificate({
      subject: subjectNamed('alone'),
      basicConstraints: null,
      extendedKeyUsage: { oids: [TIME_STAMPING], critical: true },
    });
    const token = stampWith(alone, MESSAGE, { certificates: [alone.der] });
    expect(verifyTimestamp(token, MESSAGE, trusting(alone)).chain).toHaveLength(1);
    expectCode(() => verifyTimestamp(token, MESSAGE, []), 'timestamp_untrusted');
  });

  it('must not end at a trusted certificate that is no root', () => {
    const [, intermediate] = TSA.signer.chain;
    const trusted = [parseCertificate(intermediate ?? Buffer.alloc(0), 'intermediate')];
    expectCode(
      () => verifyTimestamp(TSA.stamp(MESSAGE), MESSAGE, trusted),
      'certificate_not_self_signed',
    );
  });

  it.each<[string, Date, Date]>([
    ['from its first second', STAMP_TIME, AFTER],
    ['to its last second', BEFORE, STAMP_TIME],
  ])('is valid %s', (_, notBefore, notAfter) => {
    expect(verifyStamp({}, createTsa({ signer: { notBefore, notAfter } })).time).toEqual(
      STAMP_TIME,
    );
  });

  it.each<[string, TsaOptions]>([
    ['signer had expired', { signer: { notAfter: BEFORE } }],
    ['signer was not valid yet', { signer: { notBefore: AFTER } }],
    ['intermediate had expired', { intermediates: 1, intermediate: { notAfter: BEFORE } }],
    ['root had expired', { root: { notAfter: BEFORE } }],
    ['root was not valid yet', { root: { notBefore: AFTER } }],
  ])('is refused if its %s at the time of the stamp', (_, options) => {
    const error = expectCode(() => verifyStamp({}, createTsa(options)), 'certificate_expired');
    expect(error.message).toContain(STAMP_TIME.toISOString());
  });

  it('may have expired since', () => {
    const notAfter = new Date('2026-02-01T00:00:00Z');
    const tsa = createTsa({ signer: { notAfter }, root: { notAfter } });
    expect(verifyStamp({}, tsa).time).toEqual(STAMP_TIME);
  });

  it.each<[string, TsaOptions, Parameters<typeof expectCode>[1]]>([
    [
      'a signer that is a CA',
      { signer: { basicConstraints: { ca: true } } },
      'certificate_leaf_is_ca',
    ],
    [
      'a signer without a purpose',
      { signer: { extendedKeyUsage: null } },
      'certificate_extended_key_usage_not_timestamping',
    ],
    [
      'a signer for code too',
      {
        signer: {
          extendedKeyUsage: { oids: [TIME_STAMPING, '1.3.6.1.5.5.7.3.3'], critical: true },
        },
      },
      'certificate_extended_key_usage_not_timestamping',
    ],
    [
      'a signer whose purpose is not critical',
      { signer: { extendedKeyUsage: { oids: [TIME_STAMPING] } } },
      'certificate_extended_key_usage_not_critical',
    ],
    [
      'a signer that may not sign',
      { signer: { keyUsage: { usages: ['contentCommitment'] } } },
      'certificate_key_usage_insufficient',
    ],
    [
      'a root that may not issue',
      { root: { keyUsage: { usages: ['cRLSign'] } } },
      'certificate_key_usage_insufficient',
    ],
    [
      'an intermediate that is no CA',
      { intermediates: 1, intermediate: { basicConstraints: { ca: false } } },
      'certificate_not_ca',
    ],
    [
      'a root with too short a path',
      { intermediates: 1, root: { basicConstraints: { ca: true, pathLength: 0 } } },
      'certificate_path_length_exceeded',
    ],
    [
      'an intermediate for another purpose',
      { intermediates: 1, intermediate: { extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.3'] } } },
      'certificate_extended_key_usage_not_timestamping',
    ],
    [
      'an unknown critical extension',
      { signer: { extensions: [{ oid: '1.2.3', critical: true, value: nullValue() }] } },
      'certificate_extension_unsupported',
    ],
    [
      'name constraints',
      { root: { extensions: [{ oid: NAME_CONSTRAINTS, critical: true, value: sequence() }] } },
      'certificate_extension_unsupported',
    ],
    [
      'a SHA-1 signature',
      { key: 'rsa-2048', signer: { signature: 'rsa-sha1' } },
      'certificate_signature_unsupported',
    ],
  ])('must not have %s', (_, options, code) => {
    const error = expectCode(() => verifyStamp({}, createTsa(options)), code);
    expect(error.message).toMatch(/^timestamp token: /);
    expect(error.faults).not.toEqual([]);
  });
});

// The search for a path among certificates that an attacker may have chosen: what it finds, and when it ends.
import { describe, expect, it } from 'vitest';
import { findTimestampingPath, MAX_ISSUER_CHECKS } from '../../../agent/notation/timestamp/path.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { MAX_CHAIN_LENGTH } from '../../../agent/notation/x509/chain.ts';
import { subjectNamed } from '../../support/ca.ts';
import {
  type CertificateOptions,
  mintCertificate,
  type TestCertificate,
} from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import { TIME_STAMPING } from '../../support/tsa.ts';
import { trusting } from './fixture.ts';

const BEFORE = new Date(STAMP_TIME.getTime() - 1000);

/** A CA whose name and key are those of its slot: two with one slot are cross-signed. */
function authority(
  slot: string,
  issuer?: TestCertificate,
  options: CertificateOptions = {},
): TestCertificate {
  return mintCertificate(
    {
      subject: subjectNamed(slot),
      key: testKey('p256', slot),
      basicConstraints: { ca: true },
      keyUsage: { usages: ['keyCertSign'] },
      extendedKeyUsage: null,
      ...options,
    },
    issuer,
  );
}

function unit(issuer: TestCertificate, options: CertificateOptions = {}): TestCertificate {
  const extendedKeyUsage = { oids: [TIME_STAMPING], critical: true };
  return mintCertificate({ subject: subjectNamed('unit'), extendedKeyUsage, ...options }, issuer);
}

describe('the search for a path', () => {
  const root = authority('cross root');
  const oldRoot = authority('old root', undefined, { notAfter: BEFORE });
  const crossed = authority('cross root', oldRoot);
  const issuing = authority('issuing', root);
  const signer = unit(issuing);
  const find = (trusted: readonly TestCertificate[], ...untrusted: readonly TestCertificate[]) =>
    findTimestampingPath(parseCertificate(signer.der, 'signer'), {
      trusted: trusting(...trusted),
      untrusted: trusting(...untrusted),
      times: [STAMP_TIME],
    });

  it('prefers trusted issuers to those of the token', () => {
    expect(find([root], crossed, issuing)).toHaveLength(3);
    expect(find([oldRoot, root], crossed, issuing)).toHaveLength(3);
  });

  it('goes back where a path breaks a rule', () => {
    const expired = authority('issuing', root, { notAfter: BEFORE });
    const forbidden = authority('issuing', root, { basicConstraints: { ca: true, pathLength: 0 } });
    expect(find([root], expired, issuing)).toHaveLength(3);
    expect(find([root], forbidden)).toHaveLength(3);
    const wrong = authority('issuing', root, { keyUsage: { usages: ['cRLSign'] } });
    expect(find([root], wrong, expired, issuing)).toHaveLength(3);
    const error = expectCode(
      () => find([root], wrong, expired),
      'certificate_key_usage_insufficient',
    );
    expect(error.faults).toHaveLength(2);
  });

  it('goes through a cross-signed root', () => {
    const trusted = authority('new root');
    const across = authority('cross root', trusted);
    expect(find([trusted], issuing, across)).toHaveLength(4);
    expectCode(() => find([oldRoot], crossed, issuing), 'certificate_expired');
  });

  it('does not go round in circles', () => {
    const a = authority('circle a');
    const b = authority('circle b', a);
    const again = authority('circle a', b);
    expectCode(
      () =>
        findTimestampingPath(parseCertificate(unit(again).der, 'signer'), {
          trusted: trusting(root),
          untrusted: trusting(a, b, again),
          times: [STAMP_TIME],
        }),
      'timestamp_untrusted',
    );
  });

  it('ends at the length that chains may have', () => {
    const chainOf = (length: number): { top: TestCertificate; all: TestCertificate[] } => {
      const all = [authority('long 0')];
      for (let number = 1; number < length - 1; number++) {
        all.push(authority(`long ${number}`, all.at(-1)));
      }
      return { top: all[0] ?? root, all };
    };
    const verify = (length: number): unknown => {
      const { top, all } = chainOf(length);
      return findTimestampingPath(parseCertificate(unit(all.at(-1) ?? top).der, 'signer'), {
        trusted: trusting(top),
        untrusted: trusting(...all),
        times: [STAMP_TIME],
      });
    };
    expect(verify(MAX_CHAIN_LENGTH)).toHaveLength(MAX_CHAIN_LENGTH);
    expectCode(() => verify(MAX_CHAIN_LENGTH + 1), 'timestamp_untrusted');
  });

  it('makes at most so many signature checks', () => {
    const decoy = (): TestCertificate =>
      authority('decoy', root, { subject: subjectNamed('issuing') });
    // One check for the right issuer, and one for its root.
    const decoys = Array.from({ length: MAX_ISSUER_CHECKS - 2 }, decoy);
    expect(find([root], ...decoys, issuing)).toHaveLength(3);
    const error = expectCode(
      () => find([root], decoy(), ...decoys, issuing),
      'timestamp_untrusted',
    );
    expect(error.message).toContain(`at most ${MAX_ISSUER_CHECKS} issuers`);
  });

  it('ends where certificates lead to each other without end', () => {
    // One name and one key: each is an issuer of each.
    const loop = Array.from({ length: 15 }, () => authority('loop', authority('loop')));
    const error = expectCode(
      () =>
        findTimestampingPath(parseCertificate(unit(authority('loop')).der, 'signer'), {
          trusted: trusting(root),
          untrusted: trusting(...loop),
          times: [STAMP_TIME],
        }),
      'timestamp_untrusted',
    );
    expect(error.message).toContain(`at most ${MAX_ISSUER_CHECKS} issuers`);
  });
});

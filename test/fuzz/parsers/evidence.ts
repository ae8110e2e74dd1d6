// Timestamp tokens, OCSP responses and CRLs, unverified and verified, and what leads to them.
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import { parseTimestampToken } from '../../../agent/notation/timestamp/token.ts';
import { parseTstInfo } from '../../../agent/notation/timestamp/tst-info.ts';
import { parseCertificateList } from '../../../agent/notation/revocation/certificate-list.ts';
import { verifyCrl } from '../../../agent/notation/revocation/crl.ts';
import { verifyOcspResponse } from '../../../agent/notation/revocation/ocsp.ts';
import { parseOcspResponse } from '../../../agent/notation/revocation/ocsp-response.ts';
import { parseEvidenceAddress, redirectTarget } from '../../../agent/verifier/evidence/address.ts';
import { MESSAGE, trusting, TSA } from '../../notation/timestamp/fixture.ts';
import { CA, hoursFromNow, issuedBy, NOW, parsed } from '../../notation/revocation/fixture.ts';
import { mintCrl } from '../../support/crl.ts';
import { mintOcspDelegate, mintOcspResponse } from '../../support/ocsp.ts';
import { tstInfo } from '../../support/tsa-info.ts';
import type { Reader } from '../fuzz.ts';
import { ofText, texts } from '../text.ts';

const LEAF = CA.issue();
const ISSUER = CA.issuer;
const ISSUED = issuedBy(ISSUER, LEAF);
const ISSUING = parsed(ISSUER);
const TRUSTED = trusting(TSA.root);

export const EVIDENCE_READERS: readonly Reader[] = [
  { name: 'timestamp token', seeds: tokens, read: parseTimestampToken },
  {
    name: 'timestamp token, verified',
    seeds: tokens,
    read: (bytes) => verifyTimestamp(bytes, MESSAGE, TRUSTED),
  },
  {
    name: 'TSTInfo',
    seeds: () => [tstInfo(MESSAGE), tstInfo(MESSAGE, { time: '20260102030405.123Z' })],
    read: parseTstInfo,
  },
  {
    name: 'OCSP response',
    seeds: ocspResponses,
    read: (bytes) => parseOcspResponse(bytes, 'response'),
  },
  {
    name: 'OCSP response, verified',
    seeds: ocspResponses,
    read: (bytes) => verifyOcspResponse(bytes, ISSUED, NOW, 'response'),
  },
  {
    name: 'CRL',
    seeds: crls,
    read: (bytes) => {
      const { entries } = parseCertificateList(bytes, 'CRL');
      return entries.find(ISSUED.certificate.serialNumber);
    },
  },
  { name: 'CRL, verified', seeds: crls, read: (bytes) => verifyCrl(bytes, ISSUING, NOW, 'CRL') },
  {
    name: 'address of evidence',
    seeds: () => texts('http://ocsp.example/a?b', 'http://[::1]:8080/', 'http://127.1/a.crl'),
    read: ofText((text) => parseEvidenceAddress(text, 'address')),
  },
  {
    name: 'redirect to evidence',
    seeds: () => texts('/b', 'http://ocsp.example/b', '//ocsp.example/', '?a'),
    read: ofText((text) => redirectTarget(new URL('http://ocsp.example/a'), text, 'redirect')),
  },
];

function tokens(): readonly Uint8Array[] {
  const signingTime = new Date('2026-01-02T03:04:05Z');
  return [TSA.stamp(MESSAGE), TSA.stamp(MESSAGE, { signingTime, certificates: TSA.signer.chain })];
}

function ocspResponses(): readonly Uint8Array[] {
  const revoked = { status: 'revoked', reason: 1, invalidityDate: hoursFromNow(-99) } as const;
  return [
    mintOcspResponse(LEAF, ISSUER, { now: NOW }),
    mintOcspResponse(LEAF, ISSUER, { now: NOW, ...revoked, responderBy: 'key' }),
    mintOcspResponse(LEAF, ISSUER, { now: NOW, signer: mintOcspDelegate(ISSUER) }),
  ];
}

function crls(): readonly Uint8Array[] {
  const serialNumber = BigInt(`0x${Buffer.from(ISSUED.certificate.serialNumber).toString('hex')}`);
  const entries = [
    { serialNumber: 4711, reason: 6 },
    { serialNumber, reason: 1, invalidityDate: hoursFromNow(-99) },
    ...Array.from({ length: 20 }, (_, index) => ({ serialNumber: index + 1 })),
  ];
  return [
    mintCrl(ISSUER, { now: NOW, entries }),
    mintCrl(ISSUER, { now: NOW, entries, deltaBase: 5, point: { uris: ['http://crl.example/'] } }),
    mintCrl(ISSUER, { now: NOW, freshest: ['http://crl.example/delta'] }),
  ];
}

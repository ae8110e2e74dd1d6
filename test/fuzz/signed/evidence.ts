// Timestamp tokens, OCSP responses and CRLs, whoever signed them with whichever kind of key.
import { inspect } from 'node:util';
import {
  type VerifiedTimestamp,
  verifyTimestamp,
} from '../../../agent/notation/timestamp/timestamp.ts';
import { parseTimestampToken } from '../../../agent/notation/timestamp/token.ts';
import { parseCertificateList } from '../../../agent/notation/revocation/certificate-list.ts';
import { crlStatus, verifyCrl } from '../../../agent/notation/revocation/crl.ts';
import { ocspStatus, verifyOcspResponse } from '../../../agent/notation/revocation/ocsp.ts';
import { parseOcspResponse } from '../../../agent/notation/revocation/ocsp-response.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { MESSAGE, trusting } from '../../notation/timestamp/fixture.ts';
import { hoursFromNow, issuedBy, NOW, parsed } from '../../notation/revocation/fixture.ts';
import { createCa } from '../../support/ca.ts';
import { mintCrl } from '../../support/crl.ts';
import { type KeyType, testKey } from '../../support/keys.ts';
import { mintOcspDelegate, mintOcspResponse, serialOf } from '../../support/ocsp.ts';
import { createTsa } from '../../support/tsa.ts';
import type { Reader } from '../fuzz.ts';

const KEYS = ['p256', 'rsa-2048'] as const;
const POINT = 'http://crl.example/1.crl';

export const SIGNED_EVIDENCE: readonly Reader[] = KEYS.flatMap((key) => [
  signedTokens(key),
  signedOcsp(key),
  signedCrls(key),
]);

function signedTokens(key: KeyType): Reader {
  const tsa = createTsa({ name: `Fuzzed ${key}`, key, signerKey: key, intermediates: 1 });
  const trusted = trusting(tsa.root);
  const signingTime = new Date('2026-01-02T03:04:05Z');
  const certificates = tsa.signer.chain;
  return {
    name: `signed timestamp token, ${key}`,
    seeds: () => [
      tsa.stamp(MESSAGE, { signingTime, certificates, info: { time: '20260102030405Z' } }),
      tsa.stamp(MESSAGE, { digest: 'sha512', info: { time: '20260102030407Z' } }),
    ],
    read: (bytes) => ({
      ...verifyTimestamp(bytes, MESSAGE, trusted),
      content: parseTimestampToken(bytes).content,
    }),
    meaning: ({ time, accuracyMs, chain, content }: VerifiedTimestamp & Signed) =>
      told({ time, accuracyMs }, content, ...chain.map(({ tbs }) => tbs)),
  };
}

function signedOcsp(key: KeyType): Reader {
  const { issuer, issue } = createCa({ name: `Fuzzed ${key}`, key });
  const leaf = issue();
  const issued = issuedBy(issuer, leaf);
  const revoked = { status: 'revoked', reason: 1, invalidityDate: hoursFromNow(-99) } as const;
  const signer = mintOcspDelegate(issuer, { key: testKey(key, 'delegate') });
  return {
    name: `signed OCSP response, ${key}`,
    seeds: () => [
      mintOcspResponse(leaf, issuer, { now: NOW, ...revoked, signer }),
      mintOcspResponse(leaf, issuer, { now: NOW, hash: 'sha256' }),
    ],
    read: (bytes) => {
      const answer = verifyOcspResponse(bytes, issued, NOW, 'it');
      const status = ocspStatus(answer, undefined, 'it');
      return { answer, status, content: parseOcspResponse(bytes, 'it').tbs };
    },
    meaning: ({ answer, status, content }: Signed & Answered) =>
      told({ ...answer, uncheckedDelegate: answer.uncheckedDelegate?.tbs, status }, content),
  };
}

function signedCrls(key: KeyType): Reader {
  const { issuer, issue } = createCa({ name: `Fuzzed ${key}`, key });
  const leaves = [issue(), issue({ serialNumber: 4711 })];
  const issuing = parsed(issuer);
  const entries = [
    { serialNumber: 7 },
    ...leaves.map((leaf) => ({ serialNumber: serialOf(leaf) })),
  ];
  return {
    name: `signed CRL, ${key}`,
    seeds: () => [
      mintCrl(issuer, { now: NOW, entries, point: { uris: [POINT] } }),
      mintCrl(issuer, { now: NOW, entries: entries.slice(0, 1), number: 11 }),
    ],
    read: (bytes) => {
      const base = verifyCrl(bytes, issuing, NOW, 'it');
      const lists = { base, delta: undefined, addresses: [POINT] };
      const statuses = leaves.map((leaf) => crlStatus(lists, issuedBy(issuer, leaf), undefined));
      return { statuses, content: parseCertificateList(bytes, 'it').tbs };
    },
    meaning: ({ statuses, content }: Signed & { statuses: readonly RevocationStatus[] }) =>
      told(statuses, content),
  };
}

interface Signed {
  /** The bytes that a signature is over. */
  readonly content: Uint8Array;
}

interface Answered {
  readonly answer: ReturnType<typeof verifyOcspResponse>;
  readonly status: RevocationStatus;
}

function told(value: unknown, ...signed: readonly Uint8Array[]): string {
  const hex = signed.map((bytes) => Buffer.from(bytes).toString('hex'));
  return inspect({ value, hex }, { depth: 9, maxStringLength: null, breakLength: Infinity });
}

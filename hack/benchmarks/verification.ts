// Bench: judging one signature that has been fetched, against nothing but the public-key operations that it cannot do without.
import { constants, type KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto';
import { parseEnvelope } from '../../agent/notation/signature/envelope.ts';
import { verifyIntegrity } from '../../agent/notation/signature/integrity.ts';
import { parseTrustPolicy } from '../../agent/notation/trustpolicy/document.ts';
import { selectStatement } from '../../agent/notation/trustpolicy/selection.ts';
import {
  assertTrustedIdentity,
  findAnchor,
} from '../../agent/notation/verification/authenticity.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import { createCa } from '../../test/support/ca.ts';
import type { TestCertificate } from '../../test/support/certificate.ts';
import type { KeyType, TestKey } from '../../test/support/keys.ts';
import {
  type EnvelopeFormat,
  MEDIA_TYPES,
  signEnvelope,
  type SignedParts,
  toBeSigned,
} from '../../test/support/sign-envelope.ts';
import { documentOf, statement } from '../../test/support/trust-policy.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';

/** Keys of the whole chain, and what the ratio of their times may be at most. */
const KEYS: readonly (readonly [KeyType, number])[] = [
  ['rsa-2048', 1.5],
  ['rsa-4096', 1.2],
  ['p256', 2],
];
const FORMATS: readonly EnvelopeFormat[] = ['jws', 'cose'];
const ROUNDS = 60;
/** Of either program in turns: long enough for the clock, short enough for both to see the same machine. */
const TURN_MS = 25;
const WARM_UP_MS = 1500;

/** Measures both formats with each kind of key: a chain of leaf, intermediate and root. */
export const VERIFICATION: Benchmark = {
  about:
    'one signature at hand by a chain of three that was met before, integrity and authenticity, per processor second',
  run: () => Promise.resolve(KEYS.flatMap(([key, atMost]) => measure(key, atMost))),
};

function measure(key: KeyType, atMost: number): readonly Measurement[] {
  return FORMATS.flatMap((format) => {
    const { oursUs, bareUs } = verificationTimes(format, key, ROUNDS, WARM_UP_MS);
    const what = `${key}, ${format}`;
    const perSecond = (timesUs: readonly number[]) => timesUs.map((timeUs) => 1_000_000 / timeUs);
    return [
      { what: `${what}: crypto.verify alone`, unit: '1/s', values: perSecond(bareUs) },
      { what: `${what}: nodeseal`, unit: '1/s', values: perSecond(oursUs) },
      {
        what: `${what}: ratio of time`,
        unit: 'x',
        values: ratios(oursUs, bareUs),
        target: { bound: 'at most', value: atMost },
      },
    ];
  });
}

/** Microseconds of one verification by us, and of what it cannot do without, in turns. */
export function verificationTimes(
  format: EnvelopeFormat,
  key: KeyType,
  rounds: number,
  warmUpMs: number,
) {
  const { ours, bare } = createPair(format, key);
  for (const run of [ours, bare]) turnUs(run, warmUpMs);
  const times = { oursUs: [] as number[], bareUs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.oursUs.push(turnUs(ours, TURN_MS));
    times.bareUs.push(turnUs(bare, TURN_MS));
  }
  return times;
}

/**
 * Microseconds of one run, on average over as many as fit into `forMs`: processor time, collecting
 * garbage included, which is what a busy machine does not stretch.
 */
function turnUs(run: () => void, forMs: number): number {
  const start = process.cpuUsage();
  let elapsedUs = 0;
  let runs = 0;
  while (elapsedUs < forMs * 1000) {
    for (let batch = 0; batch < 10; batch++) run();
    runs += 10;
    const { user, system } = process.cpuUsage(start);
    elapsedUs = user + system;
  }
  return elapsedUs / runs;
}

interface Pair {
  readonly ours: () => void;
  readonly bare: () => void;
}

function createPair(format: EnvelopeFormat, key: KeyType): Pair {
  const ca = createCa({ name: `Bench ${key}`, key, intermediates: 1 });
  const signer = ca.issue({ key });
  let signed: SignedParts | undefined;
  const envelope = signEnvelope({
    format,
    signer,
    tamper: (parts) => {
      signed = parts;
      return {};
    },
  });
  if (signed === undefined) throw new TypeError('nothing was signed');
  const document = documentOf([statement({ trustedIdentities: ['*'] })]);
  const policy = selectStatement(parseTrustPolicy(document), 'example.io/acme/app');
  const certificates = [parseCertificate(ca.root.der, 'root')];
  const ours = () => {
    const signature = verifyIntegrity(parseEnvelope(envelope, MEDIA_TYPES[format]));
    findAnchor(signature, [{ name: 'ca:acme', certificates }]);
    assertTrustedIdentity(signature, policy);
  };
  const operations = [
    envelopeOperation(signer.key, toBeSigned(format, signed.protected, signed.payload), signed),
    certificateOperation(signer, ca.issuer.key),
    certificateOperation(ca.issuer, ca.root.key),
    certificateOperation(ca.root, ca.root.key),
  ];
  return {
    ours,
    bare: () => {
      operations.forEach(perform);
    },
  };
}

/** One check of a signature, with everything made ready that can be: the key is imported, too. */
interface Operation {
  readonly hash: 'sha256' | 'sha512';
  readonly data: Uint8Array;
  readonly key: VerifyKeyObjectInput | KeyObject;
  readonly signature: Uint8Array;
}

function envelopeOperation(
  { type, publicKey }: TestKey,
  data: Uint8Array,
  { signature }: SignedParts,
): Operation {
  const key: VerifyKeyObjectInput = type.startsWith('rsa')
    ? {
        key: publicKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { key: publicKey, dsaEncoding: 'ieee-p1363' };
  return { hash: type === 'rsa-4096' ? 'sha512' : 'sha256', data, key, signature };
}

function certificateOperation({ der }: TestCertificate, issuer: TestKey): Operation {
  const { tbs, signature } = parseCertificate(der, 'certificate');
  return { hash: 'sha256', data: tbs, key: issuer.publicKey, signature };
}

function perform({ hash, data, key, signature }: Operation): void {
  if (!verify(hash, data, key, signature)) throw new TypeError('expected a good signature');
}

// Bench: judging one signature that has been fetched, against nothing but the public-key operations
// that it cannot do without.
import {
  constants,
  createPublicKey,
  type KeyObject,
  verify,
  type VerifyKeyObjectInput,
} from 'node:crypto';
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
import { type KeyType, testKey } from '../../test/support/keys.ts';
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
/**
 * How many chains are verified in turn, each with certificates and keys of its own: of 34 none is
 * remembered any more when it comes again, because no more than 100 certificates and keys are.
 */
const CHAINS: Readonly<Record<Met, number>> = { before: 1, first: 34 };
/** Of either program in turns: long enough for the clock, short enough for both to see the same machine. */
const TURN_MS = 25;
const WARM_UP_MS = 1500;

/** Measures both formats with each kind of key: a chain of leaf, intermediate and root. */
export const VERIFICATION: Benchmark = {
  about:
    'one signature at hand by a chain of three, met before or first, integrity and authenticity, per processor second',
  run: () => Promise.resolve(KEYS.flatMap(([key, atMost]) => measure(key, atMost))),
};

function measure(key: KeyType, atMost: number): readonly Measurement[] {
  const all = FORMATS.flatMap((format) =>
    (['before', 'first'] as const).map((met) => [format, met] as const),
  );
  return all.flatMap(([format, met]) => {
    const { oursUs, bareUs } = verificationTimes(format, key, met, ROUNDS, WARM_UP_MS);
    const what = nameOf(key, format, met);
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

/** Whether what a chain says is remembered. */
export type Met = 'before' | 'first';

/** What measurements of it begin with. */
export function nameOf(key: KeyType, format: EnvelopeFormat, met: Met): string {
  return met === 'before' ? `${key}, ${format}` : `${key}, ${format}, chain met first`;
}

/** Microseconds of one verification by us, and of what it cannot do without, in turns. */
export function verificationTimes(
  format: EnvelopeFormat,
  key: KeyType,
  met: Met,
  rounds: number,
  warmUpMs: number,
) {
  const pairs = Array.from({ length: CHAINS[met] }, (_, chain) =>
    createPair(format, key, met, chain),
  );
  const [ours, bare] = [inTurn(pairs, 'ours'), inTurn(pairs, 'bare')];
  for (const run of [ours, bare]) turnUs(run, warmUpMs);
  const times = { oursUs: [] as number[], bareUs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.oursUs.push(turnUs(ours, TURN_MS));
    times.bareUs.push(turnUs(bare, TURN_MS));
  }
  return times;
}

/** Runs that of the next pair each time. */
function inTurn(pairs: readonly Pair[], which: keyof Pair): () => void {
  let next = 0;
  return () => {
    pairs[next]?.[which]();
    next = (next + 1) % pairs.length;
  };
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

function createPair(format: EnvelopeFormat, key: KeyType, met: Met, chain: number): Pair {
  const ca = createCa({ name: `Bench ${chain}`, key, intermediates: 1 });
  const signer = ca.issue({ key: testKey(key, `leaf ${chain}`) });
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
  const known = [signer, ca.issuer, ca.root].map((one) => one.key.publicKey);
  const pems = known.map((one) => String(one.export({ format: 'pem', type: 'spki' })));
  const [ofEnvelope, ...ofCertificates] = [
    envelopeOperation(key, toBeSigned(format, signed.protected, signed.payload), signed),
    ...[signer, ca.issuer, ca.root].map(certificateOperation),
  ];
  const bare = () => {
    // A key that was never met has to be imported by whoever verifies with it.
    const [leaf, issuer, root] = met === 'before' ? known : pems.map(importKey);
    perform(ofEnvelope, leaf);
    for (const [at, by] of [issuer, root, root].entries()) perform(ofCertificates[at], by);
  };
  return { ours, bare };
}

/** From text, and by itself: from bytes, and with options, Node takes thrice the time. */
function importKey(pem: string): KeyObject {
  return createPublicKey(pem);
}

/** One check of a signature, with everything made ready that can be. */
interface Operation {
  readonly hash: 'sha256' | 'sha512';
  readonly data: Uint8Array;
  /** How the key is used. */
  readonly options?: Omit<VerifyKeyObjectInput, 'key'>;
  readonly signature: Uint8Array;
}

function envelopeOperation(type: KeyType, data: Uint8Array, { signature }: SignedParts): Operation {
  const options = type.startsWith('rsa')
    ? {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : ({ dsaEncoding: 'ieee-p1363' } as const);
  return { hash: type === 'rsa-4096' ? 'sha512' : 'sha256', data, options, signature };
}

function certificateOperation({ der }: TestCertificate): Operation {
  const { tbs, signature } = parseCertificate(der, 'certificate');
  return { hash: 'sha256', data: tbs, signature };
}

function perform(operation: Operation | undefined, key: KeyObject | undefined): void {
  if (operation === undefined || key === undefined) throw new TypeError('expected one for each');
  const { hash, data, options, signature } = operation;
  // On the key itself: in an object around it they take Node a sixth more time.
  const used = options === undefined ? key : Object.assign(key, options);
  if (!verify(hash, data, used, signature)) throw new TypeError('expected a good signature');
}

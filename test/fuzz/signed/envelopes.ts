// Envelopes of every format and algorithm, changed as a whole and in each of their parts.
import { inspect } from 'node:util';
import fc from 'fast-check';
import { parseEnvelope } from '../../../agent/notation/signature/envelope.ts';
import {
  type VerifiedSignature,
  verifyIntegrity,
} from '../../../agent/notation/signature/integrity.ts';
import { createCa } from '../../support/ca.ts';
import { type KeyType, testKey } from '../../support/keys.ts';
import {
  type EnvelopeFormat,
  MEDIA_TYPES,
  signEnvelope,
  TARGET,
} from '../../support/sign-envelope.ts';
import { type EnvelopeParts, joinEnvelope, splitEnvelope } from '../envelope-parts.ts';
import type { Reader } from '../fuzz.ts';
import { changedBytes } from '../hostile-bytes.ts';

interface Verified extends VerifiedSignature {
  readonly signedBytes: Uint8Array;
}

const KEYS = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'p256', 'p384', 'p521'] as const;
const PARTS = ['protected', 'unprotected', 'payload', 'signature'] as const;

const CA = createCa({ intermediates: 1 });

export const SIGNED_ENVELOPES: readonly Reader[] = (['jws', 'cose'] as const).flatMap((format) =>
  KEYS.map((key): Reader => ({
    name: `signed ${format.toUpperCase()}, ${key}`,
    seeds: () => signedWith(format, key),
    read: (bytes): Verified => {
      const envelope = parseEnvelope(bytes, MEDIA_TYPES[format]);
      return { ...verifyIntegrity(envelope), signedBytes: envelope.signedBytes };
    },
    meaning: meaningOf,
    inputs: (seeds) => changedEnvelopes(format, seeds),
  })),
);

/** Two of one signer, so that the parts of one could pass for those of the other. */
function signedWith(format: EnvelopeFormat, key: KeyType): readonly Uint8Array[] {
  const signer = CA.issue({ key: testKey(key, 'leaf') });
  const expiry = new Date('2030-01-01T00:00:00Z');
  const target = { ...TARGET, digest: `sha256:${'cd'.repeat(32)}` };
  return [
    signEnvelope({ format, signer, expiry, timestampToken: Buffer.alloc(40, 1) }),
    signEnvelope({ format, signer, target, scheme: 'notary.x509.signingAuthority' }),
  ];
}

/** What the signer said, down to the bytes, and who that was. */
function meaningOf(found: Verified): string {
  const { target, signingScheme, signingTime, expiry, extended, algorithm, chain } = found;
  const claims = { target, signingScheme, signingTime, expiry, extended, algorithm };
  const bytes = [found.signedBytes, ...chain.map(({ tbs }) => tbs)];
  const hex = bytes.map((part) => Buffer.from(part).toString('hex'));
  return inspect({ claims, hex }, { depth: 9, maxStringLength: null, breakLength: Infinity });
}

function changedEnvelopes(
  format: EnvelopeFormat,
  seeds: readonly Uint8Array[],
): fc.Arbitrary<Uint8Array> {
  const whole = changedBytes(seeds);
  const split = seeds.map((seed) => splitEnvelope(format, seed));
  const parts = PARTS.map((name) =>
    fc
      .tuple(fc.constantFrom(...split), changedBytes(split.map((part) => part[name])))
      .map(([part, bytes]) => joinEnvelope(format, { ...part, [name]: bytes })),
  );
  const mixed = fc
    .record(record(PARTS.map((name) => fc.constantFrom(...split.map((part) => part[name])))))
    .map((chosen) => joinEnvelope(format, chosen));
  return fc.oneof(whole, ...parts, mixed);
}

function record(
  all: readonly fc.Arbitrary<Uint8Array>[],
): Record<keyof EnvelopeParts, fc.Arbitrary<Uint8Array>> {
  return Object.fromEntries(PARTS.map((name, index) => [name, all[index]])) as Record<
    keyof EnvelopeParts,
    fc.Arbitrary<Uint8Array>
  >;
}

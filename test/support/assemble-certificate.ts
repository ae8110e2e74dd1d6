// Puts a certificate together field by field, for tests of malformed ones.
import { subjectNamed } from './ca.ts';
import { algorithmIdentifier } from './certificate-signature.ts';
import { name } from './certificate.ts';
import {
  bitString,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
} from './der.ts';
import { testKey } from './keys.ts';

/** A certificate put together field by field; its signature is not a good one. */
export function assemble(fields: Partial<Record<Field, Buffer | undefined>> = {}): Buffer {
  const good: Record<Field, Buffer> = {
    version: explicit(0, integer(2)),
    serialNumber: integer(1),
    algorithm: algorithmIdentifier('ecdsa-sha256'),
    issuer: name(subjectNamed('issuer')),
    validity: sequence(time(new Date(0)), time(new Date(0))),
    subject: name(subjectNamed('subject')),
    publicKey: testKey('p256').publicKey.export({ format: 'der', type: 'spki' }),
    uniqueId: Buffer.alloc(0),
    extensions: explicit(3, sequence(extensionOf('2.5.29.19', sequence()))),
    outerAlgorithm: algorithmIdentifier('ecdsa-sha256'),
    signature: bitString(Buffer.alloc(70)),
    trailer: Buffer.alloc(0),
  };
  const { outerAlgorithm, signature, trailer, ...tbs } = { ...good, ...fields };
  const present = Object.values(tbs).filter((field) => field !== undefined);
  return sequence(
    sequence(...present),
    outerAlgorithm ?? Buffer.alloc(0),
    signature ?? Buffer.alloc(0),
    trailer ?? Buffer.alloc(0),
  );
}

export type Field =
  | 'version'
  | 'serialNumber'
  | 'algorithm'
  | 'issuer'
  | 'validity'
  | 'subject'
  | 'publicKey'
  | 'uniqueId'
  | 'extensions'
  | 'outerAlgorithm'
  | 'signature'
  | 'trailer';

/** An extension that is not critical. */
export function extensionOf(oid: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(oid), octetString(value));
}

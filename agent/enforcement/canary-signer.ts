// Who signs the canary: a key that lives as long as one run, is trusted by that run alone and is written nowhere.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { PAYLOAD_CONTENT_TYPE } from '../notation/signature/payload.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { encodeCanaryCertificate } from './canary-certificate.ts';
import { isoTime } from '../utc.ts';

/** A signer of one run. */
export interface CanarySigner {
  /** Self-signed, in DER: to be trusted by the canary's own policy and by nothing else. */
  readonly certificate: Buffer;
  /** A JWS envelope with the one signature of an image. */
  readonly sign: (image: Descriptor) => Buffer;
}

/** Media type of what `sign` returns. */
export const ENVELOPE_MEDIA_TYPE = 'application/jose+json';

/** The node's clock may be put right between the making of a certificate and its use. */
const BEFORE_MS = 5 * 60_000;
const AFTER_MS = 60 * 60_000;
const SERIAL_BYTES = 16;

/** Makes a key and its certificate, valid around `now`. */
export function createCanarySigner(now: Date): CanarySigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = encodeCanaryCertificate({
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    // Never zero: its first byte is not.
    serial: Buffer.concat([Buffer.from([1]), randomBytes(SERIAL_BYTES)]),
    notBefore: new Date(now.getTime() - BEFORE_MS),
    notAfter: new Date(now.getTime() + AFTER_MS),
    sign: (bytes) => sign('sha256', bytes, privateKey),
  });
  return { certificate, sign: (image) => encodeJws(image, now, certificate, privateKey) };
}

/** signature-envelope-jws.md: the flattened form, with the attributes that must be there. */
function encodeJws(
  { mediaType, digest, size }: Descriptor,
  now: Date,
  certificate: Buffer,
  key: KeyObject,
): Buffer {
  const headers = {
    alg: 'ES256',
    cty: PAYLOAD_CONTENT_TYPE,
    crit: ['io.cncf.notary.signingScheme'],
    'io.cncf.notary.signingScheme': 'notary.x509',
    'io.cncf.notary.signingTime': isoTime(now).replace(/\.\d+/, ''),
  };
  const payload = base64url({ targetArtifact: { mediaType, digest, size } });
  const signedText = `${base64url(headers)}.${payload}`;
  const signature = sign('sha256', Buffer.from(signedText), { key, dsaEncoding: 'ieee-p1363' });
  return Buffer.from(
    JSON.stringify({
      payload,
      protected: base64url(headers),
      header: {
        x5c: [certificate.toString('base64')],
        'io.cncf.notary.signingAgent': 'nodeseal/canary',
      },
      signature: signature.toString('base64url'),
    }),
  );
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

// Envelopes, whole and their parts on their own, payloads and signature manifests.
import { decodeCose } from '../../../agent/notation/signature/cose.ts';
import { decodeJws } from '../../../agent/notation/signature/jws.ts';
import {
  COSE_MEDIA_TYPE,
  JWS_MEDIA_TYPE,
  parseEnvelope,
} from '../../../agent/notation/signature/envelope.ts';
import { verifyIntegrity } from '../../../agent/notation/signature/integrity.ts';
import {
  parseSignatureManifest,
  SIGNATURE_ARTIFACT_TYPE,
} from '../../../agent/notation/signature/manifest.ts';
import { parsePayload } from '../../../agent/notation/signature/payload.ts';
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { parseManifest } from '../../../agent/oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../../../agent/oci/media-types.ts';
import { createCa } from '../../support/ca.ts';
import { type EnvelopeFormat, signEnvelope, TARGET } from '../../support/sign-envelope.ts';
import { joinEnvelope, splitEnvelope } from '../envelope-parts.ts';
import type { Reader } from '../fuzz.ts';
import { json } from '../text.ts';

const signer = createCa({ intermediates: 1 }).issue();
const IMAGE = `sha256:${'0a'.repeat(32)}` as const;
const PLUGIN = 'io.cncf.notary.verificationPlugin';

export const SIGNATURE_READERS: readonly Reader[] = [
  { name: 'JWS', seeds: () => envelopes('jws'), read: decodeJws },
  { name: 'COSE', seeds: () => envelopes('cose'), read: decodeCose },
  part('jws', 'protected'),
  part('cose', 'protected'),
  part('jws', 'unprotected'),
  part('cose', 'unprotected'),
  {
    name: 'JWS with its integrity',
    seeds: () => envelopes('jws'),
    read: (bytes) => verifyIntegrity(parseEnvelope(bytes, JWS_MEDIA_TYPE)),
  },
  {
    name: 'COSE with its integrity',
    seeds: () => envelopes('cose'),
    read: (bytes) => verifyIntegrity(parseEnvelope(bytes, COSE_MEDIA_TYPE)),
  },
  {
    name: 'payload',
    seeds: () =>
      json(
        { targetArtifact: TARGET },
        { targetArtifact: { ...TARGET, annotations: { a: 'b' }, artifactType: 'a/b' } },
      ),
    read: parsePayload,
  },
  {
    name: 'signature manifest',
    seeds: () => json(signatureManifest(), { ...signatureManifest(), annotations: { a: '[]' } }),
    read: (bytes) => {
      const options = { what: 'manifest', code: 'manifest_invalid', maxBytes: 1 << 22 } as const;
      const manifest = parseManifest(parseStrictJson(bytes, options), OCI_MANIFEST, 'manifest');
      return parseSignatureManifest(manifest, IMAGE, 'manifest');
    },
  },
];

/** One with all that a signer may write, and one of the other scheme. */
function envelopes(format: EnvelopeFormat): readonly Buffer[] {
  const expiry = new Date('2030-01-01T00:00:00Z');
  const scheme = 'notary.x509.signingAuthority';
  const crit = ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry', PLUGIN];
  return [
    signEnvelope({ format, signer, expiry, timestampToken: Buffer.alloc(40, 1) }),
    signEnvelope({ format, signer, scheme }),
    signEnvelope({ format, signer, expiry, crit, attributes: new Map([[PLUGIN, 'a.b']]) }),
  ];
}

/** Headers on their own, in an envelope that is otherwise good. */
function part(format: EnvelopeFormat, name: 'protected' | 'unprotected'): Reader {
  const whole = () => splitEnvelope(format, signEnvelope({ format, signer }));
  let good: ReturnType<typeof whole> | undefined;
  return {
    name: `${name} headers of ${format.toUpperCase()}`,
    seeds: () => envelopes(format).map((bytes) => splitEnvelope(format, bytes)[name]),
    read: (bytes) => {
      good ??= whole();
      const mediaType = format === 'jws' ? JWS_MEDIA_TYPE : COSE_MEDIA_TYPE;
      return parseEnvelope(joinEnvelope(format, { ...good, [name]: bytes }), mediaType);
    },
  };
}

function signatureManifest() {
  const digest = `sha256:${'0b'.repeat(32)}`;
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: SIGNATURE_ARTIFACT_TYPE,
    config: { mediaType: OCI_EMPTY, digest, size: 2 },
    layers: [{ mediaType: JWS_MEDIA_TYPE, digest, size: 2000 }],
    subject: { mediaType: OCI_MANIFEST, digest: IMAGE, size: 528 },
  };
}

// The webhook's own certificate: self-signed, P-256, for TLS servers of the names given; RFC 5280.
import { der, sequence } from '../notation/encoding/der-writer.ts';
import {
  criticalExtension,
  encodeSelfSigned,
  extension,
  objectIdentifier,
  type SelfSignedContent,
} from '../notation/encoding/self-signed.ts';

/** What the certificate says. */
export interface ServingCertificateContent extends Omit<
  SelfSignedContent,
  'commonName' | 'purpose' | 'extensions'
> {
  /** DNS names; at least one. */
  readonly names: readonly string[];
}

const BASIC_CONSTRAINTS = objectIdentifier('551d13');
const SUBJECT_ALTERNATIVE_NAME = objectIdentifier('551d11');
const SERVER_AUTHENTICATION = '2b06010505070301';
const SUBJECT = 'nodeseal webhook';
const DNS_NAME = 0x82;

/** Encodes the certificate in DER. It is trusted by itself and can issue none: there is no CA to be stolen. */
export function encodeServingCertificate({ names, ...content }: ServingCertificateContent): Buffer {
  const alternatives = names.map((name) => der(DNS_NAME, Buffer.from(name, 'latin1')));
  return encodeSelfSigned({
    ...content,
    // Some TLS libraries look among those that they trust by the name alone: no two may have the same.
    commonName: `${SUBJECT} ${Buffer.from(content.serial).toString('hex')}`,
    purpose: SERVER_AUTHENTICATION,
    extensions: [
      criticalExtension(BASIC_CONSTRAINTS, sequence()),
      extension(SUBJECT_ALTERNATIVE_NAME, sequence(...alternatives)),
    ],
  });
}

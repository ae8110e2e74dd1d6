// The canary's certificate: self-signed, for code signing, P-256; signature-specification.md, "Certificate Requirements".
import { encodeSelfSigned, type SelfSignedContent } from '../notation/encoding/self-signed.ts';

/** What the certificate says. */
export type CanaryCertificate = Omit<SelfSignedContent, 'commonName' | 'purpose' | 'extensions'>;

const CODE_SIGNING = '2b06010505070303';
const SUBJECT = 'nodeseal canary';

/** Encodes the certificate in DER. Its key usages are all that a leaf may have. */
export function encodeCanaryCertificate(certificate: CanaryCertificate): Buffer {
  return encodeSelfSigned({ ...certificate, commonName: SUBJECT, purpose: CODE_SIGNING });
}

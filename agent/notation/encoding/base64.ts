// Strict base64 and base64url (RFC 4648): one text for each sequence of bytes, so that no two
// envelopes differ only in spelling.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { FaultOptions } from './fault-options.ts';

/** Decodes base64 with its padding. No line breaks. Throws `options.code`. */
export function decodeBase64(text: string, options: FaultOptions): Uint8Array {
  return decode(text, 'base64', options);
}

/** Decodes base64url without padding, as RFC 7515 section 2 defines it. Throws `options.code`. */
export function decodeBase64url(text: string, options: FaultOptions): Uint8Array {
  return decode(text, 'base64url', options);
}

/** Buffer skips what it does not know, so what it made is encoded again and compared. */
function decode(text: string, encoding: 'base64' | 'base64url', options: FaultOptions): Uint8Array {
  const bytes = Buffer.from(text, encoding);
  if (bytes.toString(encoding) === text) return bytes;
  throw new AgentError(
    options.code,
    `${options.what}: expected strict ${encoding}, found ${show(text)}`,
  );
}

// The signed payload: signature-specification.md, "Payload".
import { AgentError } from '../../errors.ts';
import { type Descriptor, parseDescriptor } from '../../oci/descriptor.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import { parseStrictJson } from '../encoding/json.ts';
import { MAX_ENVELOPE_BYTES, MAX_ENVELOPE_VALUES } from './decoded-envelope.ts';

export const PAYLOAD_CONTENT_TYPE = 'application/vnd.cncf.notary.payload.v1+json';

/**
 * Reads the descriptor of the artifact that was signed. To be called only after the signature has
 * been verified: the payload is not to be parsed before that. Members other than `targetArtifact`
 * are ignored. Throws `payload_invalid`.
 */
export function parsePayload(bytes: Uint8Array): Descriptor {
  const what = 'signed payload';
  const document = parseStrictJson(bytes, {
    what,
    code: 'payload_invalid',
    maxBytes: MAX_ENVELOPE_BYTES,
    maxValues: MAX_ENVELOPE_VALUES,
  });
  if (!isJsonObject(document)) {
    throw new AgentError('payload_invalid', `${what}: expected an object, found ${show(document)}`);
  }
  try {
    return parseDescriptor(document['targetArtifact'], `${what}: targetArtifact`);
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    throw new AgentError('payload_invalid', cause.message, { cause });
  }
}

// An envelope taken apart into the bytes of its parts, and put together again around changed ones.
import { decodeCbor, type CborValue } from '../../agent/notation/encoding/cbor.ts';
import { cbor, head } from '../support/cbor.ts';
import type { EnvelopeFormat } from '../support/sign-envelope.ts';

/** Decoded: headers as JSON or CBOR, payload and signature as they are. */
export interface EnvelopeParts {
  readonly protected: Uint8Array;
  readonly unprotected: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export function splitEnvelope(format: EnvelopeFormat, envelope: Uint8Array): EnvelopeParts {
  return format === 'jws' ? splitJws(envelope) : splitCose(envelope);
}

/** Unprotected headers go in as they are, whether they are well-formed or not. */
export function joinEnvelope(format: EnvelopeFormat, parts: EnvelopeParts): Buffer {
  if (format === 'cose') {
    const { protected: headers, unprotected, payload, signature } = parts;
    return cbor({ tag: 18, value: [headers, { raw: unprotected }, payload, signature] });
  }
  const text = (bytes: Uint8Array): string => `"${Buffer.from(bytes).toString('base64url')}"`;
  return Buffer.concat([
    Buffer.from(`{"payload":${text(parts.payload)},"protected":${text(parts.protected)},"header":`),
    parts.unprotected,
    Buffer.from(`,"signature":${text(parts.signature)}}`),
  ]);
}

function splitJws(envelope: Uint8Array): EnvelopeParts {
  const json = JSON.parse(Buffer.from(envelope).toString()) as Record<string, string>;
  const decoded = (name: string): Buffer => Buffer.from(json[name] ?? '', 'base64url');
  return {
    protected: decoded('protected'),
    unprotected: Buffer.from(JSON.stringify(json['header'])),
    payload: decoded('payload'),
    signature: decoded('signature'),
  };
}

function splitCose(envelope: Uint8Array): EnvelopeParts {
  const options = { what: 'COSE', code: 'envelope_invalid', tags: [] } as const;
  const parts = decodeCbor(envelope.subarray(1), options) as readonly CborValue[];
  const [headers, , payload, signature] = parts.map((part) =>
    part instanceof Uint8Array ? Buffer.from(part) : Buffer.alloc(0),
  );
  if (headers === undefined || payload === undefined || signature === undefined) {
    throw new TypeError('expected an envelope of four parts');
  }
  // What is left between them: the tag, the array and the first part come before, two parts after.
  const start = 2 + head(2, headers.length).length + headers.length;
  const after = [payload, signature].map(({ length }) => head(2, length).length + length);
  const end = envelope.length - after.reduce((sum, length) => sum + length, 0);
  return {
    protected: headers,
    unprotected: envelope.subarray(start, end),
    payload,
    signature,
  };
}

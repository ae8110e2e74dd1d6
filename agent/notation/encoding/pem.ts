// PEM files of certificates (RFC 7468): what operators put into trust stores.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { decodeBase64 } from './base64.ts';
import type { FaultOptions } from './fault-options.ts';

/** The whole of Mozilla's root store has about 150 in 250 KiB. */
export const MAX_PEM_CERTIFICATES = 1000;
export const MAX_PEM_BYTES = 4 * 1024 * 1024;

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/** Tells whether bytes are meant as PEM (they have a BEGIN line) rather than DER. */
export function isPem(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('-----BEGIN ');
}

/**
 * Decodes every CERTIFICATE block, in order, at least one. Text between blocks is ignored, as
 * RFC 7468 section 2 allows; a block of another kind, such as a private key, is refused, and so is
 * a block that is not closed. What the blocks hold is not checked. Throws `options.code`.
 */
export function decodePemCertificates(bytes: Uint8Array, options: FaultOptions): Uint8Array[] {
  if (bytes.length > MAX_PEM_BYTES) {
    throw invalid(options, `at most ${MAX_PEM_BYTES} bytes`, `${bytes.length}`);
  }
  const blocks: Uint8Array[] = [];
  let lines: string[] | undefined;
  for (const raw of Buffer.from(bytes).toString('latin1').split('\n')) {
    const line = raw.trim();
    if (lines === undefined) {
      if (line === BEGIN) lines = [];
      else if (line.startsWith('-----')) throw invalid(options, BEGIN, show(line));
    } else if (line === END) {
      blocks.push(decodeBlock(lines, blocks.length + 1, options));
      lines = undefined;
    } else {
      lines.push(line);
    }
  }
  if (lines !== undefined) throw invalid(options, END, 'the end of the file');
  if (blocks.length === 0) throw invalid(options, BEGIN, 'none');
  return blocks;
}

function decodeBlock(lines: readonly string[], number: number, options: FaultOptions): Uint8Array {
  if (number > MAX_PEM_CERTIFICATES) {
    throw invalid(options, `at most ${MAX_PEM_CERTIFICATES} certificates`, 'more');
  }
  return decodeBase64(lines.join(''), { ...options, what: `${options.what}, block ${number}` });
}

function invalid(options: FaultOptions, expected: string, found: string): AgentError {
  return new AgentError(options.code, `${options.what}: expected ${expected}, found ${found}`);
}

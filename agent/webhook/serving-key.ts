// Makes keys and certificates for the webhook, and reads from a certificate for how long it is good.
import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { AgentError } from '../errors.ts';
import { type CertificateFacts, type HeldCertificate, PREDATED_MS } from './held-certificates.ts';
import { encodeServingCertificate } from './serving-certificate.ts';
import type { ServingCertificate } from './server.ts';

const SERIAL_BYTES = 16;

/** A new key with its certificate, good from `now` on for `lifetimeMs`. */
export function createServingCertificate(
  names: readonly string[],
  now: Date,
  lifetimeMs: number,
): ServingCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const bytes = encodeServingCertificate({
    names,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    // Never zero: its first byte is not.
    serial: Buffer.concat([Buffer.from([1]), randomBytes(SERIAL_BYTES)]),
    notBefore: new Date(now.getTime() - PREDATED_MS),
    notAfter: new Date(now.getTime() + lifetimeMs),
    sign: (signed) => sign('sha256', signed, privateKey),
  });
  return {
    certificate: new X509Certificate(bytes).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Reads the first certificate of a PEM text. Throws `serving_certificate_invalid`. */
export function certificateFacts(pem: string): CertificateFacts {
  return attempt('a certificate as PEM', () => factsOf(new X509Certificate(pem)));
}

/** The same of a certificate and its key. Throws `serving_certificate_invalid`, which tells nothing of the key. */
export function heldCertificate({ certificate, key }: ServingCertificate): HeldCertificate {
  return attempt('PEM of a certificate and of its key', () => {
    const read = new X509Certificate(certificate);
    if (!read.checkPrivateKey(createPrivateKey(key))) throw new Error('not its key');
    return { certificate, key, ...factsOf(read) };
  });
}

function factsOf({ validFromDate, validToDate, subjectAltName = '' }: X509Certificate) {
  const names = subjectAltName
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length));
  return { notBefore: validFromDate, notAfter: validToDate, names };
}

function attempt<T>(expected: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // What OpenSSL says of a key holds nothing of it.
    const text = cause instanceof Error ? cause.message : String(cause);
    const fault = `serving certificate: expected ${expected}: ${text}`;
    throw new AgentError('serving_certificate_invalid', fault, { cause });
  }
}

// The webhook's own certificates as entries of the Secret that its replicas share.
import { AgentError } from '../errors.ts';
import type { HeldCertificate, HeldCertificates } from './held-certificates.ts';
import { certificateFacts, heldCertificate } from './serving-key.ts';

/** Its entries, by key; undefined removes one. */
export type CertificateEntries = Readonly<Record<CertificateKey, string | undefined>>;

type CertificateKey = 'tls.crt' | 'tls.key' | 'next.crt' | 'next.key' | 'previous.crt';

/** Reads them. What is incomplete or malformed is as good as not there: another is made in its place. */
export function parseCertificateEntries(entries: ReadonlyMap<string, string>): HeldCertificates {
  const current = heldOf(entries.get('tls.crt'), entries.get('tls.key'));
  const next = heldOf(entries.get('next.crt'), entries.get('next.key'));
  const previous = entries.get('previous.crt') ?? '';
  const isReadable = readable(() => certificateFacts(previous)) !== undefined;
  return {
    ...(current && { current }),
    ...(next && { next }),
    ...(isReadable && { previous }),
  };
}

/** Encodes them. */
export function certificateEntries({
  current,
  next,
  previous,
}: HeldCertificates): CertificateEntries {
  return {
    'tls.crt': current?.certificate,
    'tls.key': current?.key,
    'next.crt': next?.certificate,
    'next.key': next?.key,
    'previous.crt': previous,
  };
}

function heldOf(
  certificate: string | undefined,
  key: string | undefined,
): HeldCertificate | undefined {
  if (certificate === undefined || key === undefined) return undefined;
  return readable(() => heldCertificate({ certificate, key }));
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

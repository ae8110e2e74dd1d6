// What is wrong with a trust store or surprising about it, for whoever keeps it.
import { AgentError } from '../../errors.ts';
import type { TrustStoreName } from '../../notation/trustpolicy/trust-store-name.ts';
import type { Certificate } from '../../notation/x509/certificate.ts';
import { isSelfSigned } from '../../notation/x509/issuance.ts';
import { show } from '../../oci/show.ts';
import { parseStore } from './load.ts';
import { readStores } from './store-files.ts';
import { parseStoreFile } from './trust-store.ts';
import { isoTime } from '../../utc.ts';

/** Long enough to have a certificate replaced, also around holidays. */
export const EXPIRY_WARNING_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Tells, one sentence each with store and file, what is the matter with a trust store: that it cannot
 * be used at all, what of it is ignored, and which of its certificates are not valid at `now`, soon
 * will not be, trust less than one may think, or vouch for nothing. Never throws for what it holds.
 */
export function inspectTrustStore(
  rootDir: string,
  name: TrustStoreName,
  now: Date,
): readonly string[] {
  const sentences: string[] = [];
  try {
    for (const { files, warnings } of readStores(rootDir, [name])) {
      sentences.push(...warnings);
      parseStore(files, name);
      for (const { bytes, what } of files) {
        for (const [index, certificate] of parseStoreFile(bytes, name, what).entries()) {
          const place = `${what}, certificate ${index + 1} (${show(certificate.subject.text)})`;
          sentences.push(...inspect(certificate, now).map((sentence) => `${place}: ${sentence}`));
        }
      }
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    sentences.push(error.message);
  }
  return sentences;
}

function inspect(certificate: Certificate, now: Date): readonly string[] {
  return [validity(certificate, now), issuance(certificate)].filter((one) => one !== undefined);
}

function validity({ notBefore, notAfter }: Certificate, now: Date): string | undefined {
  if (now < notBefore) return `it is not valid before ${day(notBefore)}`;
  if (now > notAfter) return `it expired on ${day(notAfter)}`;
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return undefined;
  return `it expires on ${day(notAfter)}, in ${days} ${days === 1 ? 'day' : 'days'}`;
}

function issuance(certificate: Certificate): string | undefined {
  const { issuer, subject } = certificate;
  if (Buffer.compare(issuer.raw, subject.raw) !== 0) {
    return 'it is an intermediate, so only chains through this very certificate are trusted';
  }
  try {
    if (isSelfSigned(certificate)) return undefined;
    return 'it names itself as issuer but did not sign itself, so it ends no chain';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return `no chain with it is accepted: ${error.message}`;
  }
}

function day(date: Date): string {
  return isoTime(date).slice(0, 10);
}

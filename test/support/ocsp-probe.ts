// A program around the source of revocations, for the runtime of the pull verifier: JSON in as argument, JSON out.
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import type { CertificateChain } from '../../agent/notation/x509/chain.ts';
import { createRevocationSource } from '../../agent/verifier/evidence/revocation-source.ts';

export interface ProbeArguments {
  /** Base64 of DER, leaf first. */
  readonly chain: readonly string[];
  readonly now: string;
  readonly cacheDir: string;
  readonly timeoutMs: number;
  /** What every host name resolves to; absent: what the system says. */
  readonly addresses?: readonly string[];
  /** URL of the proxy for all that is asked. */
  readonly proxy?: string;
}

/** The status of the leaf: its kind, or the code for which it is unknown. */
export interface ProbeResult {
  readonly found: string;
}

const { chain, now, cacheDir, timeoutMs, addresses, proxy } = JSON.parse(
  process.argv[2] ?? '',
) as ProbeArguments;
const source = createRevocationSource({
  clock: { now: () => new Date(now) },
  cacheDir,
  limits: { ocspMs: timeoutMs, crlMs: timeoutMs },
  ...(addresses && { resolve: () => Promise.resolve(addresses) }),
  ...(proxy && { proxies: { of: () => new URL(proxy) } }),
});
const [leaf, ...issuers] = chain.map((der) => parseCertificate(Buffer.from(der, 'base64'), 'it'));
if (leaf === undefined) throw new TypeError('a chain has a leaf');
const certificates: CertificateChain = [leaf, ...issuers];
const [first] = await source.check(certificates, {}, new AbortController().signal);
await source.close();
const status = first?.status;
const found = status?.kind === 'unknown' ? status.error.code : status?.kind;
console.log(JSON.stringify({ found } satisfies { found: string | undefined }));

// From the certificate that signed a timestamp token to a root in a trust store of type tsa (RFC 5280 section 6).
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type CertificateChain, MAX_CHAIN_LENGTH } from '../x509/chain.ts';
import { isIssuedBy } from '../x509/issuance.ts';
import { verifyTimestampingChain } from '../x509/timestamping.ts';
import { TOKEN } from './token.ts';
import { isoTime } from '../../utc.ts';

/** What paths are looked for in. */
export interface PathOptions {
  /** Of all trust stores of type tsa. A path ends at the first of them. */
  readonly trusted: readonly Certificate[];
  /** Found in the token, so attacker-controlled: they may only lead to a trusted one. */
  readonly untrusted: readonly Certificate[];
  /** Every certificate of the path must be valid at each of these. */
  readonly times: readonly Date[];
}

/**
 * Signature checks for one signer. A path has two to four, a little more where roots are
 * cross-signed; certificates that all have one name and key would make exponentially many.
 */
export const MAX_ISSUER_CHECKS = 50;

/**
 * Finds a path that keeps the rules for chains of timestamping authorities, trying trusted issuers
 * first. Revocation is not checked. Throws `timestamp_untrusted` if there is no path to a trusted
 * certificate; if there are only paths that break a rule, the code of the first such:
 * `certificate_expired`, or what `verifyTimestampingChain` throws. `faults` has them all.
 */
export function findTimestampingPath(signer: Certificate, options: PathOptions): CertificateChain {
  const search = new PathSearch(options);
  const path = search.extend([signer]);
  if (path !== undefined) return path;
  const [first] = search.faults;
  const subject = show(signer.subject.text);
  if (first === undefined) {
    throw untrusted(`expected ${subject} to lead to a trusted root, found no path`);
  }
  throw new AgentError(first.code, `${TOKEN}: ${first.message}`, {
    cause: first,
    faults: search.faults.map((fault) => fault.message),
  });
}

/** One search, depth first. */
class PathSearch {
  readonly faults: AgentError[] = [];
  readonly #issuers: readonly Certificate[];
  readonly #options: PathOptions;
  #checks = 0;

  constructor(options: PathOptions) {
    const { trusted, untrusted } = options;
    this.#options = options;
    this.#issuers = [...trusted, ...untrusted.filter((one) => !includes(trusted, one))];
  }

  extend(path: CertificateChain): CertificateChain | undefined {
    const last = path.at(-1) ?? path[0];
    if (!this.#passes(() => this.#assertValid(last))) return undefined;
    if (includes(this.#options.trusted, last)) {
      return this.#passes(() => void verifyTimestampingChain(path)) ? path : undefined;
    }
    if (path.length === MAX_CHAIN_LENGTH) return undefined;
    for (const issuer of this.#issuers) {
      if (includes(path, issuer) || !this.#isIssuedBy(last, issuer)) continue;
      const found = this.extend([...path, issuer]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
    if (Buffer.compare(certificate.issuer.raw, issuer.subject.raw) !== 0) return false;
    if (++this.#checks > MAX_ISSUER_CHECKS) {
      throw untrusted(`expected a path after at most ${MAX_ISSUER_CHECKS} issuers, found none`);
    }
    let issued = false;
    return this.#passes(() => (issued = isIssuedBy(certificate, issuer))) && issued;
  }

  #assertValid({ subject, notBefore, notAfter }: Certificate): void {
    for (const time of this.#options.times) {
      if (notBefore <= time && time <= notAfter) continue;
      throw new AgentError(
        'certificate_expired',
        `certificate ${show(subject.text)}: expected one valid at ${isoTime(time)}, found ${isoTime(notBefore)} to ${isoTime(notAfter)}`,
      );
    }
  }

  /** Notes why a path ends, since another may still lead somewhere. */
  #passes(check: () => void): boolean {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.faults.push(error);
      return false;
    }
  }
}

function includes(certificates: readonly Certificate[], wanted: Certificate): boolean {
  return certificates.some(({ raw }) => Buffer.compare(raw, wanted.raw) === 0);
}

function untrusted(fault: string): AgentError {
  return new AgentError('timestamp_untrusted', `${TOKEN}: ${fault}`);
}

// Adds the OCSP responses to a bundle that a verifier would ask for.
import { AgentError } from '../errors.ts';
import { certIdLabel } from '../notation/revocation/cert-id.ts';
import { type VerifiedOcspAnswer, verifyOcspResponse } from '../notation/revocation/ocsp.ts';
import { encodeOcspRequest } from '../notation/revocation/ocsp-request.ts';
import type { IssuedCertificate } from '../notation/revocation/status.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import { show } from '../oci/show.ts';
import { OCSP_RESPONSES } from './bundle/evidence-kind.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';
import { CollectedLayers } from './collected-layers.ts';
import { parseEvidenceAddress } from './evidence/address.ts';
import type { EvidenceClient } from './evidence/client.ts';
import { EVIDENCE_LIMITS } from './evidence/limits.ts';
import { ocspQuestion } from './evidence/ocsp-source.ts';

/** What is told of an answer. */
export interface CollectedOcsp {
  /** The subject of the certificate. */
  readonly certificate: string;
  readonly status: 'good' | 'revoked';
  /** Until then it is evidence. */
  readonly validUntil: Date;
}

/** Asks responders, about each certificate once. */
export class OcspCollector {
  readonly layers: CollectedLayers<CollectedOcsp>;
  readonly #client: EvidenceClient;
  readonly #now: Date;

  constructor(client: EvidenceClient, writer: LayoutWriter, now: Date) {
    this.layers = new CollectedLayers(OCSP_RESPONSES, writer);
    this.#client = client;
    this.#now = now;
  }

  /**
   * Adds the first answer that says good or revoked. Gives the delegate that signed it, where its own
   * revocation is to be asked for. Who uses an answer verifies it anew; here it is seen early that a
   * verifier would refuse it, for want of a next update for instance.
   *
   * As live requests do, these carry no nonce: it would prove to us that an answer is fresh, and nothing
   * to those that it is carried to, for whom its next update is the bound.
   */
  async add(issued: IssuedCertificate, signal: AbortSignal): Promise<Certificate | undefined> {
    const label = certIdLabel(issued);
    if (this.layers.isKnown(label)) return undefined;
    const { extensions, subject } = issued.certificate;
    for (const address of extensions.ocspAddresses.slice(0, EVIDENCE_LIMITS.addresses)) {
      const what = `OCSP response from ${show(address)}`;
      try {
        const url = parseEvidenceAddress(address, what);
        const request = ocspQuestion(url, encodeOcspRequest(issued), EVIDENCE_LIMITS, what);
        const bytes = await this.#client(request, signal);
        const answer = verifyOcspResponse(bytes, issued, this.#now, what);
        const { validUntil, uncheckedDelegate } = answer;
        const told = { certificate: subject.text, status: statusOf(answer, what), validUntil };
        await this.layers.keep(label, bytes, told);
        return uncheckedDelegate;
      } catch (error) {
        this.layers.fail(label, error);
      }
    }
    return undefined;
  }

  /** Notes that nobody can be asked, because the issuer is part of the question. */
  lackIssuer({ raw, subject }: Certificate): void {
    const fault = 'expected its issuer in the signature, to ask an OCSP responder; found none';
    const message = `certificate ${show(subject.text)}: ${fault}`;
    const subjectOfFault = Buffer.from(raw).toString('base64');
    this.layers.fail(subjectOfFault, new AgentError('revocation_unknown', message));
  }
}

function statusOf({ status }: VerifiedOcspAnswer, what: string): CollectedOcsp['status'] {
  if (status.kind !== 'unknown') return status.kind;
  const message = `${what}: expected a status, found that the responder does not know`;
  throw new AgentError('revocation_unknown', message);
}

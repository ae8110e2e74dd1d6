// The five validations of one signature envelope, in the specification's order.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { show } from '../../oci/show.ts';
import type { PluginJudgement } from '../plugin/judgement.ts';
import { parseEnvelope } from '../signature/envelope.ts';
import { type VerifiedSignature, verifyIntegrity } from '../signature/integrity.ts';
import { verifyAuthenticTimestamp, type TimestampContext } from './authentic-timestamp.ts';
import { assertTrustedIdentity, findAnchor } from './authenticity.ts';
import { type Evaluation, evaluate, withIntegrityFault } from './evaluation.ts';
import type { Evidence } from './evidence.ts';
import { runPlugin } from './plugin.ts';
import { Term, termOfCertificates } from './term.ts';
import { verifyRevocation } from './revocation.ts';
import { verifyExpiry } from './validity.ts';

/** A signature as the registry served it; nothing of it is trusted. */
export interface FetchedSignature {
  /** Digest of the signature manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly envelope: Uint8Array;
}

/** What a signature is held against. */
export interface SignatureContext extends TimestampContext {
  /** The artifact at hand, as the registry described it. */
  readonly artifact: Descriptor;
  /** Default: `verifyEnvelope`. One that remembers must give the same for the same bytes. */
  readonly verifyEnvelope?: typeof verifyEnvelope;
}

/**
 * What an envelope holds, once its own signature and the rules for its chain are verified. It hangs
 * on nothing but the bytes: not on policy, trust or time. Throws the codes of integrity.
 */
export function verifyEnvelope({ envelope, mediaType }: FetchedSignature): VerifiedSignature {
  return verifyIntegrity(parseEnvelope(envelope, mediaType));
}

/**
 * Performs every validation that the statement asks for. Rejects only for what is no fault of the
 * signature: never for what it holds, nor for what responders or plugins do.
 */
export async function verifySignature(
  signature: FetchedSignature,
  context: SignatureContext,
  evidence: Evidence,
): Promise<Evaluation> {
  const verification = new Verification(signature, context, evidence);
  const { enforcement } = context.statement.signatureVerification;
  const results = await evaluate(verification, enforcement);
  const { signer, pluginFault, validUntil } = verification;
  return {
    ...{ signature: signature.digest, signer, validUntil },
    // "Extended attributes": what a critical attribute asks for MUST be done, at every level.
    results: pluginFault === undefined ? results : withIntegrityFault(results, pluginFault),
  };
}

/** One signature while it is verified. Each validation builds on those before it. */
class Verification {
  readonly #signature: FetchedSignature;
  readonly #context: SignatureContext;
  readonly #evidence: Evidence;
  readonly #term: Term;
  #verified: VerifiedSignature | undefined;
  #isAnchored = false;
  #plugin: PluginJudgement | AgentError | undefined;

  constructor(signature: FetchedSignature, context: SignatureContext, evidence: Evidence) {
    this.#signature = signature;
    this.#context = context;
    this.#term = new Term(context.now);
    this.#evidence = this.#term.noting(evidence);
  }

  /** When time alone may change what the validations performed so far found. */
  get validUntil(): Date | null {
    return this.#term.end;
  }

  /** Subject of the signing certificate, once integrity has passed. */
  get signer(): string | null {
    return this.#verified?.chain[0].subject.text ?? null;
  }

  /** Why the plugin that the signature needs did not do its part. */
  get pluginFault(): AgentError | undefined {
    const name = this.#verified?.verificationPlugin;
    if (name === undefined) return undefined;
    if (this.#plugin instanceof AgentError) return this.#plugin;
    if (this.#plugin === undefined) return untrusted(`verification plugin ${show(name)}`);
    return undefined;
  }

  integrity(): string {
    const candidate = (this.#context.verifyEnvelope ?? verifyEnvelope)(this.#signature);
    assertTarget(candidate.target, this.#context.artifact);
    this.#verified = candidate;
    return `${candidate.algorithm} signature over ${candidate.target.digest}`;
  }

  async authenticity(): Promise<string> {
    const { statement, trust } = this.#context;
    const verified = this.#integral();
    const anchor = findAnchor(verified, trust);
    this.#isAnchored = true;
    this.#plugin = await caught(runPlugin(verified, statement, this.#evidence));
    const judged = this.#judgement().authenticity;
    if (judged !== undefined) return `chain trusted by ${anchor}; ${passed(judged)}`;
    assertTrustedIdentity(verified, statement);
    return `${verified.chain[0].subject.text}, trusted by ${anchor}`;
  }

  expiry(): string {
    const verified = this.#integral();
    this.#term.note(verified.expiry);
    return verifyExpiry(verified, this.#context.now);
  }

  authenticTimestamp(): Promise<string> {
    const verified = this.#integral();
    termOfCertificates(verified).forEach((moment) => {
      this.#term.note(moment);
    });
    return verifyAuthenticTimestamp(verified, this.#context, () => this.#anchored());
  }

  async revocation(): Promise<string> {
    const { chain, signingScheme, signingTime } = this.#integral();
    const judged = this.#judgement().revocation;
    if (judged !== undefined) return passed(judged);
    const isAuthority = signingScheme === 'notary.x509.signingAuthority';
    const authenticTime = isAuthority ? signingTime : undefined;
    return verifyRevocation(chain, () => this.#anchored(), authenticTime);
  }

  // Integrity is enforced at every level, so nothing after it runs without it.
  #integral(): VerifiedSignature {
    if (this.#verified === undefined) throw new TypeError('integrity has not been verified');
    return this.#verified;
  }

  #anchored(): Evidence {
    if (this.#isAnchored) return this.#evidence;
    throw untrusted('revocation');
  }

  #judgement(): PluginJudgement {
    if (this.#plugin instanceof AgentError) throw this.#plugin;
    return this.#plugin ?? {};
  }
}

/**
 * The last of the specification's steps, but part of integrity here: a signature that was copied
 * from another image is as good as none, at every level.
 */
function assertTarget(signed: Descriptor, artifact: Descriptor): void {
  const equal =
    signed.digest === artifact.digest &&
    signed.size === artifact.size &&
    signed.mediaType === artifact.mediaType;
  if (equal) return;
  throw new AgentError(
    'descriptor_mismatch',
    `signature: expected one made for ${describe(artifact)}, found one for ${describe(signed)}`,
  );
}

function describe({ digest, mediaType, size }: Descriptor): string {
  return `${digest} (${show(mediaType)}, ${size} bytes)`;
}

function untrusted(what: string): AgentError {
  return new AgentError(
    'certificate_untrusted',
    `${what}: expected a chain that is anchored in a trust store before anybody is asked, found one that is not`,
  );
}

function passed(judged: string | AgentError): string {
  if (judged instanceof AgentError) throw judged;
  return judged;
}

async function caught<T>(promise: Promise<T>): Promise<T | AgentError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

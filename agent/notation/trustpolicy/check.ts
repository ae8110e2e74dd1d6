// Everything that a trust policy document tells about itself, also when it must not be used.
import { AgentError } from '../../errors.ts';
import { parseTrustPolicy, type TrustPolicyDocument } from './document.ts';
import { Findings } from './findings.ts';

/** What `policy check` starts from. */
export interface PolicyCheck {
  /** Absent exactly if there are faults. */
  readonly document?: TrustPolicyDocument;
  /** Whoever knows more, such as the trust stores, may add to them by the paths of this document. */
  readonly findings: Findings;
}

/** Parses a document and keeps what was found. Never throws. */
export function checkPolicy(bytes: Uint8Array): PolicyCheck {
  const findings = new Findings();
  try {
    return { document: parseTrustPolicy(bytes, findings), findings };
  } catch (error) {
    if (error instanceof AgentError && findings.faults.length > 0) return { findings };
    throw error;
  }
}

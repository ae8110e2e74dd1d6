// Everything that can be told about a trust policy document before it is used.
import { AgentError } from '../../errors.ts';
import { parseTrustPolicy } from './document.ts';
import { Findings } from './findings.ts';
import { assertSupported } from './supported.ts';

/** The answer of `policy check`. Its field names are part of the public output. */
export interface PolicyCheck {
  /** Whether the document could be put in force. */
  readonly valid: boolean;
  /** One sentence each, with its place; empty when valid. */
  readonly faults: readonly string[];
  /** What its author may not have meant. */
  readonly warnings: readonly string[];
}

/** Parses a document and asks whether this version performs all of it. Never throws. */
export function checkPolicy(bytes: Uint8Array): PolicyCheck {
  const findings = new Findings();
  try {
    assertSupported(parseTrustPolicy(bytes, findings));
    return { valid: true, faults: [], warnings: findings.warnings };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // A document that is no JSON has one fault, and it is the message.
    const faults = error.faults.length === 0 ? [error.message] : error.faults;
    return { valid: false, faults, warnings: findings.warnings };
  }
}

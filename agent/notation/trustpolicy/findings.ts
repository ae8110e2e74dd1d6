// What is wrong with a trust policy document and what is surprising about it, each with its place.
import { AgentError, type ErrorCode } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { TextPosition } from '../encoding/json-places.ts';

/** More than anyone reads at once; a hostile document could otherwise yield one per byte. */
export const MAX_FINDINGS = 100;

/** One fault or warning. Its field names are part of the output of `policy check`. */
export interface Finding {
  /** Such as `trustPolicies[1].name`; `document` for the whole. */
  readonly path: string;
  /** From 1. Absent where the text has no such place. */
  readonly line?: number;
  readonly column?: number;
  /** Expected and found, or what is surprising. */
  readonly message: string;
}

/** Finds a path, or one of the members there, in the text of the document. */
export type Locate = (path: string, member?: string) => TextPosition | undefined;

/** Collects faults and warnings, so that an operator corrects a document once and not ten times. */
export class Findings {
  readonly #faults: Finding[] = [];
  readonly #warnings: Finding[] = [];
  #locate: Locate = () => undefined;

  get faults(): readonly Finding[] {
    return this.#faults;
  }

  get warnings(): readonly Finding[] {
    return this.#warnings;
  }

  /** From now on, findings tell line and column. */
  locateBy(locate: Locate): void {
    this.#locate = locate;
  }

  /** Notes a breach of a rule: the document must not be used. */
  fault(path: string, expected: string, found: unknown, member?: string): void {
    this.faultAs(path, `expected ${expected}, found ${show(found)}`, member);
  }

  /** The same for a sentence that already tells expected and found. */
  faultAs(path: string, message: string, member?: string): void {
    add(this.#faults, { path, ...this.#locate(path, member), message });
  }

  /** Notes something allowed that the author may not have meant. */
  warn(path: string, message: string, member?: string): void {
    add(this.#warnings, { path, ...this.#locate(path, member), message });
  }

  /** Throws `code` with all faults together, if there are any. */
  assertNoFaults(code: ErrorCode): void {
    const faults = this.#faults.map(toSentence);
    const [first, ...others] = faults;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new AgentError(code, `trust policy document: ${first}${more}`, { faults });
  }
}

function toSentence({ path, line, column, message }: Finding): string {
  const place = line === undefined ? '' : ` (line ${line}, column ${column ?? 1})`;
  return `${path}: ${message}${place}`;
}

function add(findings: Finding[], finding: Finding): void {
  if (findings.length < MAX_FINDINGS) findings.push(finding);
  else if (findings.length === MAX_FINDINGS) {
    findings.push({ path: 'document', message: 'and more, which are not listed' });
  }
}

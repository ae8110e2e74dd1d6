// What is wrong with a trust policy document and what is surprising about it, each with its place.
import { AgentError, type ErrorCode } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/** More than anyone reads at once; a hostile document could otherwise yield one per byte. */
export const MAX_FINDINGS = 100;

/** Collects faults and warnings, so that an operator corrects a document once and not ten times. */
export class Findings {
  readonly #faults: string[] = [];
  readonly #warnings: string[] = [];

  /** One sentence each, such as `trustPolicies[1].name: expected …, found …`. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Notes a breach of a rule: the document must not be used. */
  fault(place: string, expected: string, found: unknown): void {
    this.faultAs(place, `expected ${expected}, found ${show(found)}`);
  }

  /** The same for a sentence that already tells expected and found. */
  faultAs(place: string, sentence: string): void {
    add(this.#faults, `${place}: ${sentence}`);
  }

  /** Notes something allowed that the author may not have meant. */
  warn(place: string, sentence: string): void {
    add(this.#warnings, `${place}: ${sentence}`);
  }

  /** Throws `code` with all faults together, if there are any. */
  assertNoFaults(code: ErrorCode): void {
    const [first, ...others] = this.#faults;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new AgentError(code, `trust policy document: ${first}${more}`, { faults: this.#faults });
  }
}

function add(sentences: string[], sentence: string): void {
  if (sentences.length < MAX_FINDINGS) sentences.push(sentence);
  else if (sentences.length === MAX_FINDINGS) sentences.push('and more, which are not listed');
}

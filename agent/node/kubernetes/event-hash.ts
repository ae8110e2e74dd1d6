// What tells Events of one subject apart in their names.
import { createHash } from 'node:crypto';

/** So many hexadecimal digits of the SHA-256 of the texts. */
export function eventHash(texts: readonly string[], digits: number): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, digits);
}

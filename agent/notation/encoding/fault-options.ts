// How decoders that several parts use name the object and the code of a fault.
import type { ErrorCode } from '../../errors.ts';

export interface FaultOptions {
  /** Names the object in messages. */
  readonly what: string;
  /** The code of every fault in it. */
  readonly code: ErrorCode;
}

// What a person looks at: how wide it is, and whether it has colours.
import type { Writable } from 'node:stream';

export interface Screen {
  /** Absent where lines may be as long as they are: in a file or a pipe. */
  readonly columns?: number;
  readonly colours: boolean;
}

/** What of `tty.WriteStream` a stream has when it is a terminal. */
interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  getColorDepth?(environment: object): number;
}

/** Fewer bits of colour depth mean none: NO_COLOR is set, or the terminal is a dumb one. */
const LEAST_COLOUR_BITS = 4;

/** Colours on terminals only, and none where NO_COLOR is set. */
export function screenOf(
  stream: Writable,
  environment: Readonly<Record<string, string | undefined>>,
): Screen {
  const terminal: Writable & Terminal = stream;
  if (terminal.isTTY !== true) return { colours: false };
  const bits = terminal.getColorDepth?.(environment) ?? 1;
  const { columns = 0 } = terminal;
  return { ...(columns > 0 ? { columns } : {}), colours: bits >= LEAST_COLOUR_BITS };
}

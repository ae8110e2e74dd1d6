// The stream protocol of /run/systemd/journal/stdout: seven header lines, then log lines.

/** How journald is to file a stream's lines. */
export interface StdoutStream {
  /** Becomes `SYSLOG_IDENTIFIER`. */
  readonly identifier: string;
  /**
   * Honoured only from root, and only where journald can no longer find the writer's cgroup, i.e.
   * when the writer was gone before journald looked. The entry is then still under its unit.
   */
  readonly unit: string;
  /** syslog priority, 0 (emergency) to 7 (debug). */
  readonly priority: number;
}

/**
 * Encodes what a stream begins with. journald makes an entry of nothing of it. A line end inside any
 * part is a `TypeError`: it would end a header line.
 */
export function encodeStreamHeader({ identifier, unit, priority }: StdoutStream): Buffer {
  if (![0, 1, 2, 3, 4, 5, 6, 7].includes(priority)) {
    throw new TypeError(`journal stream: expected a priority of 0 to 7, found ${priority}`);
  }
  // No level prefix in the lines; not forwarded to syslog, kernel log or console.
  const lines = [identifier, unit, String(priority), '0', '0', '0', '0'];
  return Buffer.concat(lines.map(encodeStreamLine));
}

/**
 * Encodes one line. journald takes `_EXE` from /proc when it reads it: a writer that exits at once
 * races with that and should wait, with a deadline, until the line is filed. The end of the stream
 * does not tell: journald shuts its side when it accepts. A line end in it is a `TypeError`: it would
 * forge a second entry.
 */
export function encodeStreamLine(text: string): Buffer {
  if (text.includes('\n') || text.includes('\0')) {
    throw new TypeError(`journal stream: expected one line, found ${JSON.stringify(text)}`);
  }
  return Buffer.from(`${text}\n`);
}

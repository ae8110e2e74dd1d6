// Lines of the agent's log, looked at as they come.

/** A line as pino writes it. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** Collects lines; what is waited for may have come already. */
export class LogLines {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();

  /** One line of JSON. */
  readonly write = (line: string): void => {
    this.lines.push(JSON.parse(line) as LogLine);
    for (const look of this.#waiting) look();
  };

  /** Lines with this message. */
  with(msg: string): readonly LogLine[] {
    return this.lines.filter((line) => line.msg.startsWith(msg));
  }

  /** Resolves once there are `count` lines with this message, with the last of them. */
  until(msg: string, count = 1): Promise<LogLine> {
    return new Promise((resolve) => {
      const look = () => {
        const line = this.with(msg)[count - 1];
        if (line === undefined) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

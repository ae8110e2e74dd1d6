// Lines that real containerds logged while everything that we read was done to them;
// test/e2e/log-lines.test.ts recorded them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../vectors/containerd-lines/', import.meta.url);

export const LOG_FORMATS = ['text', 'json'] as const;
export const RECORDED_LEVELS = ['info', 'debug'] as const;

/** How a containerd was told to log. */
export interface LogMode {
  readonly format: (typeof LOG_FORMATS)[number];
  readonly level: (typeof RECORDED_LEVELS)[number];
}

export const LOG_MODES: readonly LogMode[] = LOG_FORMATS.flatMap((format) =>
  RECORDED_LEVELS.map((level) => ({ format, level })),
);

/** What one containerd logged in one mode: of each class of lines the first, and some others. */
export interface RecordedLines extends LogMode {
  readonly version: string;
  readonly lines: readonly string[];
}

/** All that is recorded. */
export function recordedLines(): readonly RecordedLines[] {
  return readdirSync(FOLDER)
    .sort()
    .map((file) => {
      const [, version = '', format, level] =
        /^(.+)-(text|json)-(info|debug)\.txt$/.exec(file) ?? [];
      const lines = readFileSync(new URL(file, FOLDER), 'utf8').trimEnd().split('\n');
      return { version, format, level, lines } as RecordedLines;
    });
}

/** Writes what was logged over what is recorded. */
export function record({ version, format, level, lines }: RecordedLines): void {
  writeFileSync(new URL(`${version}-${format}-${level}.txt`, FOLDER), `${lines.join('\n')}\n`);
}

/** A line without what differs from run to run: two lines of one shape are written by one statement. */
export function shapeOf(line: string): string {
  return line
    .replaceAll(/[0-9a-f]{12,}/g, 'H')
    .replaceAll(/\d+(?:\.\d+)?(?:h|m|s|ms|µs|ns)\b/g, 'D')
    .replaceAll(/\d+/g, 'N');
}

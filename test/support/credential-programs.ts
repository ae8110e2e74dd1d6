// Real programs that hold credentials, well-behaved and not, in a folder that ends with the test.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface ProgramFolder {
  readonly path: string;
  /** Writes a shell script that notes in `NAME.calls` what it reads and then does as told. */
  add(name: string, script: string): void;
  /** What a program read each time that it ran. */
  calls(name: string): string[];
  /** Writes any file. */
  write(name: string, content: string): string;
}

/** The ways in which a program can misbehave, as the end of its script. */
export const MISBEHAVIOURS = {
  'exits with 1': 'echo "a secret" >&2; echo "a secret"; exit 1',
  'answers with garbage': 'echo "a secret {"',
  'answers with nothing': 'exit 0',
  'never ends': 'exec sleep 1000',
  'writes without end': 'exec cat /dev/zero',
  'is killed': 'kill -9 $$',
  'leaves somebody behind who holds its output': 'sleep 1000 & exit 0',
} as const;

export function createProgramFolder(): ProgramFolder {
  const path = mkdtempSync(join(tmpdir(), 'nodeseal-credentials-'));
  onTestFinished(() => {
    rmSync(path, { recursive: true });
  });
  return {
    path,
    add(name, script) {
      const note = `{ cat; echo; } >> ${path}/${name}.calls`;
      writeFileSync(join(path, name), `#!/bin/sh\n${note}\n${script}\n`);
      chmodSync(join(path, name), 0o755);
    },
    calls(name) {
      try {
        return readFileSync(join(path, `${name}.calls`), 'utf8')
          .split('\n')
          .filter(Boolean);
      } catch {
        // It never ran.
        return [];
      }
    },
    write(name, content) {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
  };
}

// What the host alone tells where no agent answers: which files are installed, and what they say.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import { contentOfFile } from '../node/host/content.ts';
import { describeBreakGlass } from '../pull/break-glass.ts';
import { readBreakGlass } from '../pull/break-glass-file.ts';
import { parseVerifierSettings } from '../pull/verifier-settings.ts';
import { readGeneration } from '../verifier/generation.ts';
import type { Host } from './host-install.ts';
import { type Cell, tableRow } from './output.ts';
import type { Screen } from './screen.ts';

/** Each is a text that says what is there, or why it cannot be used. */
export interface HostStatus {
  readonly verifier: string;
  readonly mode: string;
  readonly breakGlass: string;
  /** Policy and trust, read as the verifier would. */
  readonly policy: string;
}

/** Reads the host's files. Never rejects for what they hold. */
export async function readHostStatus(host: Host, now: Date): Promise<HostStatus> {
  const { layout, root, policyFile, truststoreDir } = host;
  const at = (path: string): string => join(root, path);
  return {
    verifier: existsSync(at(layout.verifierFile))
      ? await told(async () => {
          const { sha256 } = await contentOfFile(at(layout.verifierFile));
          return `sha256 ${sha256.slice(0, 12)}, ${layout.verifierFile}: judges pulls by itself`;
        })
      : `none at ${layout.verifierFile}: nothing is verified`,
    mode: await told(() => modeOf(at(layout.settingsFile))),
    breakGlass: breakGlassOf(at(layout.breakGlassFile), now),
    policy: await told(async () => {
      const { policy, trustFiles } = await readGeneration(policyFile, truststoreDir);
      const count = trustFiles.length;
      return `${policy.hash.slice(0, 12)}, with ${count} ${count === 1 ? 'file' : 'files'} of trust`;
    }),
  };
}

/** For a person. */
export function describeHost(status: HostStatus, screen: Screen): string {
  const row = (label: string, text: string): readonly Cell[] => [
    { text: label, width: 13, style: ['dim'] },
    { text },
  ];
  return [
    row('verifier', status.verifier),
    row('mode', status.mode),
    row('break-glass', status.breakGlass),
    row('policy', status.policy),
  ]
    .map((cells) => tableRow(cells, screen))
    .join('');
}

function modeOf(path: string): string {
  return parseVerifierSettings(existsSync(path) ? readFileSync(path, 'utf8') : null).mode;
}

function breakGlassOf(path: string, now: Date): string {
  const glass = readBreakGlass(path, now);
  switch (glass.state) {
    case 'absent':
      return 'none';
    case 'active':
      return describeBreakGlass(glass);
    case 'ignored':
      return `ignored ${glass.error.message}`;
  }
}

async function told(read: () => string | Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AgentError) return `${error.code}: ${error.message}`;
    if (error instanceof Error && 'code' in error) return error.message;
    throw error;
  }
}

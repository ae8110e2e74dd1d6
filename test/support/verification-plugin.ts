// Installs a real verification plugin, which behaves or misbehaves as a test says and notes how it was called.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = new URL('verification-plugin-program.ts', import.meta.url).href;

/** How the plugin treats one command. */
export type PluginConduct =
  /** Answers, with these members instead of, or beside, the good ones; null leaves one out. */
  | { readonly kind: 'answer'; readonly members?: Readonly<Record<string, unknown>> }
  /** Writes this to standard output and exits with 0. */
  | { readonly kind: 'output'; readonly text: string }
  /** Writes zeros to standard output without an end. */
  | { readonly kind: 'flood' }
  /** Answers well after more words on standard error than are kept. */
  | { readonly kind: 'talk'; readonly bytes: number }
  /** Neither reads nor writes nor ends. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'fail'; readonly exitCode: number; readonly stderr: string }
  | { readonly kind: 'signal' }
  /** Answers and ends, and leaves a process behind that holds standard output. */
  | { readonly kind: 'leave'; readonly inGroup: boolean };

export interface PluginOptions {
  /** The name of its folder and file. Default: `PLUGIN_NAME`. */
  readonly name?: string;
  /** Default: it answers well. */
  readonly metadata?: PluginConduct;
  /** Default: it answers well. */
  readonly verify?: PluginConduct;
  /** Default: this process's own, which has to be one that runs scripts. */
  readonly interpreter?: string;
}

/** What the program is told by whoever installed it. */
export interface PluginBehaviour {
  readonly metadata: PluginConduct;
  readonly verify: PluginConduct;
  /** The file for its notes. */
  readonly log: string;
  /** Its response to `get-plugin-metadata`. */
  readonly good: Readonly<Record<string, unknown>>;
}

/** One run of the plugin, as it saw it. */
export interface PluginCall {
  readonly arguments: readonly string[];
  /** Of one that hangs: none, it did not read it. */
  readonly request?: unknown;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly pid: number;
  /** Of the process that `leave` left behind. */
  readonly left?: number;
}

export interface InstalledPlugin {
  readonly name: string;
  /** The folder of plugins. */
  readonly directory: string;
  readonly path: string;
  /** The runs so far. */
  calls(): readonly PluginCall[];
}

export const PLUGIN_NAME = 'com.example.verifier';
export const PLUGIN_VERSION = '1.2.3';
export const ANSWER: PluginConduct = { kind: 'answer' };

/** Installs a plugin below `directory`. By default it is good in every respect. */
export function installPlugin(directory: string, options: PluginOptions = {}): InstalledPlugin {
  const { name = PLUGIN_NAME, metadata = ANSWER, verify = ANSWER } = options;
  const folder = join(directory, name);
  const path = join(folder, `notation-${name}`);
  const log = join(folder, 'calls');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(log, '');
  const behaviour: PluginBehaviour = { metadata, verify, log, good: goodMetadata(name) };
  writeFileSync(
    path,
    `#!${options.interpreter ?? process.execPath}
import(${JSON.stringify(PROGRAM)}).then((program) => program.run(${JSON.stringify(behaviour)}));
`,
  );
  chmodSync(path, 0o755);
  const calls = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as PluginCall);
  return { name, directory, path, calls };
}

/** A good response to `get-plugin-metadata`. */
export function goodMetadata(name = PLUGIN_NAME): Readonly<Record<string, unknown>> {
  return {
    name,
    description: 'Verifies what tests sign',
    version: PLUGIN_VERSION,
    url: 'https://example.com/verifier',
    supportedContractVersions: ['1.0'],
    capabilities: ['SIGNATURE_VERIFIER.TRUSTED_IDENTITY', 'SIGNATURE_VERIFIER.REVOCATION_CHECK'],
  };
}

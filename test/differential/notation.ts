// The real `notation`, from the test node's root: found once, run for each case.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  VALIDATION_TYPES,
  type ValidationType,
} from '../../agent/notation/verification/verdict.ts';

/** The version that the comparison is made with; another would have other differences. */
export const NOTATION_VERSION = '1.3.2';
const TIMEOUT_MS = 60_000;

export interface NotationAnswer {
  readonly decision: 'allow' | 'deny';
  /** The validation that failed, or was logged as failed, where it names one. */
  readonly failed: ValidationType | undefined;
  /** What it printed, both streams. */
  readonly output: string;
}

/** How notation is started, or one sentence why it cannot be. */
export type Notation =
  { readonly command: readonly [string, ...string[]] } | { readonly missing: string };

/**
 * Finds notation in the root of the test node, which is built if need be. No node is booted: the root's
 * own loader starts the program, whatever this machine's C library is.
 */
export function findNotation(): Notation {
  const node = fileURLToPath(new URL('../../hack/node/', import.meta.url));
  const { status, stderr } = spawnSync(join(node, 'supported'), { encoding: 'utf8' });
  if (status !== 0) return { missing: stderr.trim().replaceAll('\n', ' ') };
  const root = execFileSync(join(node, 'build'), { encoding: 'utf8' }).trim();
  const libraries = join(root, 'usr/lib');
  const loader = readdirSync(libraries, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^[^/]+\/ld-linux-[^/]+\.so\.\d+$/.test(path))
    .map((path) => join(libraries, path))[0];
  if (loader === undefined) return { missing: `${libraries}: expected a loader, found none` };
  const command = [loader, '--library-path', dirname(loader), join(root, 'usr/bin/notation')];
  const [program = '', ...words] = command;
  const version = execFileSync(program, [...words, 'version'], { encoding: 'utf8' });
  if (!version.includes(`v${NOTATION_VERSION}`)) {
    return { missing: `expected notation ${NOTATION_VERSION}, found ${version}` };
  }
  return { command: [program, ...words] };
}

/** Asks `notation verify`. `configDir` holds `notation/`: its policy and its trust stores. */
export function askNotation(
  [program, ...words]: readonly [string, ...string[]],
  configDir: string,
  reference: string,
): Promise<NotationAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<NotationAnswer>();
  const environment = { HOME: configDir, XDG_CONFIG_HOME: configDir, XDG_CACHE_HOME: configDir };
  const options = { env: environment, timeout: TIMEOUT_MS };
  // Verbose, it names the validation that failed.
  const verify = [...words, 'verify', '--verbose', '--insecure-registry', reference];
  execFile(program, verify, options, (error, stdout, stderr) => {
    const output = `${stdout}${stderr}`.trim();
    const decision = error === null ? 'allow' : 'deny';
    if (error === null || (error.code === 1 && /^Error: /m.test(output))) {
      resolve({ decision, failed: failedValidation(output, decision), output });
    }
    // It crashed, hung or never ran: no decision.
    else reject(new Error(`notation verify ${reference}: ${error.message}: ${output}`));
  });
  return promise;
}

const DENIED =
  /msg="?(integrity|authenticity|expiry|authenticTimestamp|revocation) validation failed/;
const LOGGED = /^Warning: (authenticity|expiry|authenticTimestamp|revocation) was set to "log"/m;

/** Of several signatures the first that failed; of a good one what was only logged. */
function failedValidation(
  output: string,
  decision: NotationAnswer['decision'],
): ValidationType | undefined {
  const [, type] = (decision === 'deny' ? DENIED : LOGGED).exec(output) ?? [];
  return VALIDATION_TYPES.find((one) => one === type);
}

// Credential helpers of Docker: docker-credential-helpers, "Development": `docker-credential-NAME get`.
import { AgentError } from '../../../errors.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import { isJsonObject } from '../../../oci/json-object.ts';
import type { Secret } from './credential.ts';
import { type ProgramHost, runCredentialProgram } from './program-runner.ts';

/** Where helpers are looked for on the host, in this order; not where PATH happens to lead. */
export const HELPER_DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/opt/nodeseal/bin'] as const;

/** An answer is one user name and one secret, which may be a token that lists memberships of groups. */
const MAX_RESPONSE_BYTES = 128 * 1024;
/** What it calls the user where the secret is a refresh token. */
const TOKEN_USER = '<token>';
/** How a helper says, on standard output, that it has none. */
const NOT_FOUND = 'credentials not found in native keychain';

/**
 * Asks a helper for the secret of a registry; undefined where it has none. The name must be a helper's,
 * see `isHelperName`. Throws `credential_program_failed`.
 */
export async function askHelper(
  name: string,
  registry: string,
  directories: readonly string[],
  host: ProgramHost,
): Promise<Secret | undefined> {
  const what = `credential helper docker-credential-${name}`;
  const path = await findHelper(name, directories, host);
  if (path === undefined) {
    throw failed(what, `expected it in ${directories.join(', ')}, found it in none of them`);
  }
  const run = { path, args: ['get'], env: {}, input: registry, what };
  const program = { ...run, maxStdoutBytes: MAX_RESPONSE_BYTES };
  const { exitCode, stdout } = await runCredentialProgram(program, host);
  if (exitCode === 0) return parseAnswer(stdout, what);
  if (Buffer.from(stdout).toString('utf8').trim() === NOT_FOUND) return undefined;
  throw failed(what, `expected exit code 0, found ${exitCode}`);
}

async function findHelper(
  name: string,
  directories: readonly string[],
  { access }: ProgramHost,
): Promise<string | undefined> {
  for (const directory of directories) {
    const path = `${directory}/docker-credential-${name}`;
    if (await access.isExecutable(path)) return path;
  }
  return undefined;
}

function parseAnswer(stdout: Uint8Array, what: string): Secret | undefined {
  const document = {
    what,
    code: 'credential_program_failed',
    maxBytes: MAX_RESPONSE_BYTES,
  } as const;
  const value = parseStrictJson(stdout, document);
  const { Username: username, Secret: secret } = isJsonObject(value) ? value : {};
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw failed(what, 'expected Username and Secret, found something else');
  }
  if (secret === '') return undefined;
  if (username === TOKEN_USER) return { kind: 'identity_token', token: secret };
  return { kind: 'basic', username, password: secret };
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('credential_program_failed', `${what}: ${fault}`);
}

// What on this node keeps what was installed from having its effect: told at once, not only by the agent.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { AgentError, type ErrorCode } from '../errors.ts';
import { createContainerdClient } from '../node/containerd/client.ts';
import { createDump } from '../node/containerd/dump.ts';
import { readNodeEvidence } from '../node/containerd/evidence.ts';
import { type Finding, type FindingCode, findFindings } from '../node/containerd/findings.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import type { Host } from './host-install.ts';

/** One thing to look at. */
export interface NodeWarning {
  readonly code: ErrorCode | FindingCode;
  readonly effect: Finding['effect'];
  /** What was found and what to do about it. */
  readonly message: string;
}

/**
 * The findings of the node's containerd, and why there are none where it cannot be asked. Changes
 * nothing, and rejects for nothing that is found: what is installed is right all the same, on a node
 * whose containerd is yet to come too.
 */
export async function readNodeWarnings(
  config: Config,
  host: Host,
  signal: AbortSignal,
): Promise<readonly NodeWarning[]> {
  try {
    const findings = await readFindings(config, host, signal);
    return findings.map(({ code, effect, message, remedy }) => {
      return { code, effect, message: `${message} ${remedy}` };
    });
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [{ code: error.code, effect: 'warning', message: error.message }];
  }
}

async function readFindings(
  { containerdSocket: socketPath }: Config,
  { root, layout }: Host,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const socket = join(root, socketPath);
  if (!existsSync(socket)) {
    throw new AgentError(
      'containerd_missing',
      `host path ${socketPath}: expected the socket of a running containerd, found nothing: no pull asks our verifier; NODESEAL_CONTAINERD_SOCKET names another one`,
    );
  }
  const client = createContainerdClient(socket);
  try {
    const sources = { client, socketPath, host: createHostReader(root), dump: createDump(root) };
    return findFindings(await readNodeEvidence(sources, layout.verifierFile, signal));
  } finally {
    client.close();
  }
}

/** One line for a person. */
export function warningLine({ code, effect, message }: NodeWarning): string {
  return `${effect}  ${code}: ${message}`;
}

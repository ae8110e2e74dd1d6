// `nodeseal status`: whether this node enforces, asked of its agent; without one, what the host alone can tell.
import { parseConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import type { ListenAddress } from '../setting-forms.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import { findBinDirs } from './bin-dirs.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { hostOf } from './host-install.ts';
import { jsonLine, textLines } from './output.ts';
import { screenOf } from './screen.ts';
import { parseStatusDocument } from './status-document.ts';
import { describeHost, readHostStatus } from './status-host.ts';
import { describeStatus } from './status-report.ts';

const HELP = `Usage: nodeseal status [--output text|json]

Says whether this node enforces, and if not, why and what to do: what the running agent proved last,
the mode, break-glass, the verifier, policy and trust in force with the next expiry, which images are
verified, and how far the journal is read. Asked of the agent at NODESEAL_LISTEN; where none answers,
what is installed on the host is told.

Exit status: 0 this node enforces, 1 it is bypassed or that is not known, 2 could not run (the agent
does not answer).
`;

/** The command. */
export const status: Command = {
  name: 'status',
  summary: 'Say whether this node enforces',
  help: HELP,
  run: runStatus,
};

/** The agent is on this machine; one that takes longer is stuck. */
const TIMEOUT_MS = 5_000;
/** A status is a few kilobytes, its causes included. */
const MAX_BYTES = 1024 * 1024;

async function runStatus(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, signal } = context;
  const { values } = parseArguments(args, { output: { type: 'string' } }, []);
  const format = outputFormat(values.output);
  const config = parseConfig(environment);
  let answer: unknown;
  try {
    answer = await askAgent(config.listen, signal);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { binDirs } = await findBinDirs(config, signal);
    const host = await readHostStatus(hostOf(config, binDirs), new Date());
    const screen = screenOf(stdout, environment);
    const { code, message } = error;
    if (format === 'json') stdout.write(jsonLine({ error: { code, message }, host }));
    else stdout.write(textLines([message, '']) + describeHost(host, screen));
    return 2;
  }
  const document = parseStatusDocument(answer);
  if (format === 'json') stdout.write(jsonLine(answer));
  else stdout.write(describeStatus(document, new Date(), screenOf(stdout, environment)));
  return document.state === 'enforcing' ? 0 : 1;
}

/** Throws `agent_unavailable`. */
async function askAgent({ host, port }: ListenAddress, signal: AbortSignal): Promise<unknown> {
  // What listens on every address listens on loopback.
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const url = `http://${local.includes(':') ? `[${local}]` : local}:${port}/status.json`;
  try {
    return await withDeadline(signal, TIMEOUT_MS, async (within) => {
      const response = await fetch(url, { signal: within, redirect: 'error' });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      return JSON.parse(await readText(response)) as unknown;
    });
  } catch (cause) {
    const why = cause instanceof Error ? (messageOf(cause.cause) ?? cause.message) : String(cause);
    throw new AgentError(
      'agent_unavailable',
      `the agent does not answer at ${url} (${why}): whether this node enforces is not known`,
      { cause },
    );
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream: AsyncIterable<Uint8Array> | null = body;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch says only that it failed; its cause says why. */
function messageOf(cause: unknown): string | undefined {
  return cause instanceof Error && cause.message !== '' ? cause.message : undefined;
}

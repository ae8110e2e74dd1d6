// `nodeseal break-glass`: let every image in on this node for a while, or end that.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { DURATION_FORM } from '../setting-forms.ts';
import { NODE_HOST_FS } from '../node/host/host-fs.ts';
import { createLayout } from '../node/host/layout.ts';
import { locate } from '../node/host/locate.ts';
import { describeBreakGlass, encodeBreakGlass } from '../pull/break-glass.ts';
import { readBreakGlass } from '../pull/break-glass-file.ts';
import { duration, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { textLines } from './output.ts';

const { breakGlassFile: FILE } = createLayout();

const HELP = `Usage: nodeseal break-glass --for DURATION --reason TEXT [--by WHO]
       nodeseal break-glass --off

Lets every image in on this node without judging it, until the time is over: for when verification
itself is the outage. Every pull, the log each minute, the metrics and the status say so, and by whom.

  --for DURATION  ${DURATION_FORM}, and at most that
  --reason TEXT   why, for those who will ask
  --by WHO        who answers for it (default: SUDO_USER or USER)
  --off           end it now

It is a file below NODESEAL_HOST_ROOT, which may as well be written by hand, and works without the
agent: ${FILE}, a regular file of root's that nobody else can write,

  {"until": "2026-01-02T03:04:05Z", "reason": "registry is down, INC-7", "by": "alice"}

where until is at most 24 hours after the file was written. Any other file is ignored, and refused
pulls say why. It goes by the node's clock: one that jumps back to before the file was written ends
it, and so does a reboot.

Exit status: 0 done, 2 could not run.
`;

const OPTIONS = {
  for: { type: 'string' },
  reason: { type: 'string' },
  by: { type: 'string' },
  off: { type: 'boolean' },
} as const;

/** The command. */
export const breakGlass: Command = {
  name: 'break-glass',
  summary: 'Let every image in for a while, or end that',
  help: HELP,
  run: runBreakGlass,
};

async function runBreakGlass(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout } = context;
  const { values } = parseArguments(args, OPTIONS, []);
  const { hostRoot } = parseConfig(environment);
  if (values.off === true) {
    if (Object.keys(values).length > 1) throw invalid('--off: expected nothing beside it');
    await attempt(async () => rm(await locate(NODE_HOST_FS, hostRoot, FILE), { force: true }));
    stdout.write(textLines(['break-glass is over: pulls are judged again']));
    return 0;
  }
  const order = {
    until: new Date(Date.now() + duration(required(values.for, '--for DURATION'), '--for', 0)),
    reason: required(values.reason, '--reason TEXT'),
    by: required(values.by ?? environment['SUDO_USER'] ?? environment['USER'], '--by WHO'),
  };
  await attempt(() => write(hostRoot, encodeBreakGlass(order)));
  stdout.write(
    textLines([`break-glass: ${describeBreakGlass(order)}`, 'end it: nodeseal break-glass --off']),
  );
  return 0;
}

/** Written beside and renamed in: a verifier that looks meanwhile sees all of it or nothing. */
async function write(hostRoot: string, text: string): Promise<void> {
  const path = await locate(NODE_HOST_FS, hostRoot, FILE);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const beside = join(dirname(path), `.break-glass.${Date.now()}`);
  try {
    await writeFile(beside, text, { flag: 'wx', mode: 0o600 });
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
  // By the eyes of root's verifier: whoever breaks the glass must not learn of a refusal by the next pull.
  const found = readBreakGlass(path, new Date(), 0);
  if (found.state === 'active') return;
  await rm(path, { force: true });
  throw found.state === 'ignored' ? found.error : invalid('the file was removed meanwhile');
}

async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    if (cause instanceof AgentError || !(cause instanceof Error && 'code' in cause)) throw cause;
    throw new AgentError('host_write_failed', `break-glass: ${cause.message}`, { cause });
  }
}

function invalid(message: string): AgentError {
  return new AgentError('argument_invalid', message);
}

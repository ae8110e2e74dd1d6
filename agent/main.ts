#!/usr/bin/env node
// The front door: which command, its help, its exit code.
import { type Command, type CommandContext, type ExitCode, STOP_MS } from './commands/command.ts';
import { textLines } from './commands/output.ts';
import { AgentError } from './errors.ts';

/** Loaded when asked for: `verify` should not wait for gRPC, nor `run` hold what it does not use. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => {
    (await import('./commands/run/heap.ts')).keepHeapSmall();
    return (await import('./commands/run.ts')).run;
  },
  install: async () => (await import('./commands/install.ts')).install,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstall,
  verify: async () => (await import('./commands/verify.ts')).verify,
  bundle: async () => (await import('./commands/bundle.ts')).bundle,
  'policy check': async () => (await import('./commands/policy-check.ts')).policyCheck,
  'policy preview': async () => (await import('./commands/policy-preview.ts')).policyPreview,
  images: async () => (await import('./commands/images.ts')).images,
  status: async () => (await import('./commands/status.ts')).status,
  audit: async () => (await import('./commands/audit.ts')).audit,
  'break-glass': async () => (await import('./commands/break-glass.ts')).breakGlass,
  webhook: async () => (await import('./commands/webhook.ts')).webhook,
  version: async () => (await import('./commands/version.ts')).version,
};

const LEAST_NODE_MAJOR = 24;

/** For what a stopped command may have left open; nothing of it is needed. */
const LEFT_OPEN_MS = 1_000;

// Node would end with 1, which says "deny".
process.on('uncaughtException', (error) => process.exit(report(error)));
// Whoever read our output has seen enough, as `head` does: no fault of ours, but not the whole either.
process.stdout.on('error', () => process.exit(2));

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<ExitCode> {
  const stop = stopSignal();
  const context = {
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  };
  try {
    assertNode();
    return await dispatch(words, context);
  } catch (error) {
    return report(error);
  } finally {
    stop.done();
  }
}

async function dispatch(
  words: readonly string[],
  context: Omit<CommandContext, 'args'>,
): Promise<ExitCode> {
  const [first = '--help', second = ''] = words;
  if (first === '--help' || first === '-h' || first === 'help') {
    context.stdout.write(await usage());
    return 0;
  }
  const name = [first === '--version' ? 'version' : first, `${first} ${second}`].find((candidate) =>
    Object.hasOwn(COMMANDS, candidate),
  );
  if (name === undefined) {
    const found = JSON.stringify(words.slice(0, 2).join(' '));
    throw new AgentError('argument_invalid', `expected a command, found ${found}; see --help`);
  }
  const command = await COMMANDS[name]?.();
  if (command === undefined) throw new TypeError(name);
  const args = words.slice(name.split(' ').length);
  if (args.includes('--help') || args.includes('-h')) {
    context.stdout.write(command.help);
    return 0;
  }
  return command.run({ ...context, args });
}

async function usage(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(15)} ${summary}`);
  return `Usage: nodeseal COMMAND [ARGUMENT…]\n\n${lines.join('\n')}\n\nEach command has --help.\n`;
}

/** Aborts at the first signal; the second, or a stop that takes too long, ends the process at once. */
function stopSignal(): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(2);
    controller.abort();
    timer = setTimeout(() => process.exit(2), STOP_MS);
    timer.unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    signal: controller.signal,
    done: () => {
      clearTimeout(timer);
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      // A file watch of chokidar can outlive its end, if files go at that moment: nothing is to wait for it.
      if (controller.signal.aborted) setTimeout(() => process.exit(), LEFT_OPEN_MS).unref();
    },
  };
}

function assertNode(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= LEAST_NODE_MAJOR) return;
  throw new AgentError(
    'setting_invalid',
    `expected Node ${LEAST_NODE_MAJOR} or newer, found ${process.version}`,
  );
}

function report(error: unknown): ExitCode {
  if (error instanceof AgentError) {
    process.stderr.write(textLines([`nodeseal: ${error.code}: ${error.message}`]));
  } else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(textLines(`nodeseal: internal: ${stack}`.split('\n')));
  }
  return 2;
}

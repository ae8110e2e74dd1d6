// `nodeseal version`: what this is.
import type { Command } from './command.ts';

declare const NODESEAL_VERSION: string | undefined;

/** The version that the build put in; a checkout that was not built has none. */
export const VERSION = typeof NODESEAL_VERSION === 'string' ? NODESEAL_VERSION : '0.0.0-source';

/** The command. */
export const version: Command = {
  name: 'version',
  summary: 'Print the version',
  help: 'Usage: nodeseal version\n\nPrints the version.\n',
  run: ({ stdout }) => {
    stdout.write(`nodeseal ${VERSION} (node ${process.version})\n`);
    return Promise.resolve(0);
  },
};

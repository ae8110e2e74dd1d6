// `nodeseal version`: what this is.
import { VERSION } from '../version.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';

/** The command. */
export const version: Command = {
  name: 'version',
  summary: 'Print the version',
  help: 'Usage: nodeseal version\n\nPrints the version.\n',
  run: ({ args, stdout }) => {
    parseArguments(args, {}, []);
    stdout.write(`nodeseal ${VERSION} (node ${process.version})\n`);
    return Promise.resolve(0);
  },
};

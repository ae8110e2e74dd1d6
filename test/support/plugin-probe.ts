// Finds a plugin and prints how that ended, in the runtime that the pull verifier is compiled by:
// arguments are folder, name and timeout.
import { AgentError } from '../../agent/errors.ts';
import { createPluginSource } from '../../agent/verifier/plugins/plugin-source.ts';

const [, , directory = '', name = '', timeoutMs = ''] = process.argv;
const source = createPluginSource({ directory, limits: { timeoutMs: Number(timeoutMs) } });
try {
  const { version } = await source.find(name, undefined, new AbortController().signal);
  process.stdout.write(version);
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  process.stdout.write(error.code);
}

// The environment variables that a verification plugin is started with.
import { programEnvironment } from '../../program-environment.ts';

/** Where notation looks for its own files; notation itself passes its whole environment. */
const NOTATION: readonly string[] = ['NOTATION_CACHE', 'NOTATION_CONFIG', 'NOTATION_LIBEXEC'];

/** Selects from our own variables those that a plugin is to have. */
export function pluginEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return programEnvironment(own, NOTATION);
}

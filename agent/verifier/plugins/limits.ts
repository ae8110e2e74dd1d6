// How much time and memory a verification plugin gets.
import { MAX_RESPONSE_BYTES } from '../../notation/plugin/response.ts';

export interface PluginLimits {
  /** Of one command, from its start to the end of its output, in milliseconds. */
  readonly timeoutMs: number;
  /** Of standard output, in bytes. */
  readonly maxResponseBytes: number;
}

/** A verification runs two commands, and the pull that waits for it has 8.5 s for everything. */
const TIMEOUT_MS = 5_000;

export const PLUGIN_LIMITS: PluginLimits = {
  timeoutMs: TIMEOUT_MS,
  maxResponseBytes: MAX_RESPONSE_BYTES,
};

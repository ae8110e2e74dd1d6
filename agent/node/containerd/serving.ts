// Whether containerd serves, and all of its plugins as well as they did before.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';
import { withDeadline } from '../../deadline.ts';
import { printable } from '../../oci/show.ts';
import type { ContainerdClient } from './client.ts';
import { METHODS } from './descriptors.ts';

/** It takes a second; a node with thousands of snapshots and a slow disk gets this long. */
export const SERVING_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const MAX_FAULT_CHARACTERS = 300;

/**
 * The plugins that were not loaded, each with its reason; some never are on most hosts, such as
 * those of other file systems.
 */
export type PluginFaults = ReadonlyMap<string, string>;

/** Asks for the plugins. Throws `containerd_unavailable` or `containerd_failed`. */
export async function fetchPluginFaults(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<PluginFaults> {
  const { plugins } = await client.call(METHODS.plugins, { filters: [] }, { signal });
  return new Map(
    plugins.flatMap(({ type, id, initErr }) =>
      initErr === null ? [] : [[`${type}.${id}`, initErr.message] as const],
    ),
  );
}

/**
 * Waits until containerd answers. Throws `containerd_unavailable` when it does not within
 * `timeoutMs`, and `containerd_failed` when a plugin is not loaded that was before.
 */
export async function waitUntilServing(
  client: ContainerdClient,
  before: PluginFaults,
  signal: AbortSignal,
  timeoutMs = SERVING_TIMEOUT_MS,
): Promise<void> {
  const now = await withDeadline(signal, timeoutMs, (within) => firstAnswer(client, within));
  const fresh = [...now].filter(([plugin]) => !before.has(plugin));
  if (fresh.length === 0) return;
  const faults = fresh.map(([plugin, fault]) => `${plugin}: ${fault}`).join('; ');
  throw new AgentError(
    'containerd_failed',
    `containerd at ${client.socketPath}: expected its plugins to be loaded as before, found ${printable(faults, MAX_FAULT_CHARACTERS)}`,
  );
}

async function firstAnswer(client: ContainerdClient, signal: AbortSignal): Promise<PluginFaults> {
  for (;;) {
    try {
      return await fetchPluginFaults(client, signal);
    } catch (error) {
      const isOver = signal.aborted || !(error instanceof AgentError);
      if (isOver || error.code !== 'containerd_unavailable') throw error;
    }
    // Whether it was aborted is seen by the next call.
    await delay(POLL_MS);
  }
}

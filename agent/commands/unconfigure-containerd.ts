// Takes back what was changed in containerd's configuration, and restarts containerd.
import type { Config } from '../config.ts';
import { AgentError, type ErrorCode } from '../errors.ts';
import { setsNothing, undoSettings } from '../node/containerd/change/undo.ts';
import { findContainerd } from '../node/containerd/process.ts';
import { fetchPluginFaults, type PluginFaults } from '../node/containerd/serving.ts';
import {
  type ContainerdControl,
  restoreConfig,
  withHostLock,
} from '../node/host/containerd-config/change-config.ts';
import { layoutOf } from '../node/host/containerd-config/host-text.ts';
import { type ConfigRecord, recordPathOf } from '../node/host/containerd-config/record.ts';
import {
  forgetRecord,
  readRecordState,
  type RecordState,
} from '../node/host/containerd-config/record-file.ts';
import {
  assertUnitRuns,
  type ContainerdNode,
  restartContainerd,
  withContainerd,
} from './containerd-node.ts';
import type { Host } from './host-install.ts';
import { unifiedDiff } from './unified-diff.ts';

/** What was done, or would be. */
export interface UnconfigureResult {
  /** Null when nothing of ours was there. */
  readonly path: string | null;
  readonly diff: string;
  /** Others had changed the file, so that only our lines were taken out. */
  readonly isChangedByOthers: boolean;
  /** False also where containerd was down before and does not come up. */
  readonly isRestarted: boolean;
  /** Settings that others have changed since: theirs, as dotted keys. */
  readonly left: readonly string[];
}

const NOTHING: UnconfigureResult = {
  path: null,
  diff: '',
  isChangedByOthers: false,
  isRestarted: false,
  left: [],
};

/**
 * Puts containerd's configuration back as it was, byte for byte if nobody has changed it since, else
 * without our lines, and restarts containerd; without a change of ours it does nothing. Throws
 * `systemd_unavailable` and `containerd_change_refused` before, and what `restoreConfig` throws.
 */
export function unconfigureContainerd(
  config: Config,
  host: Host,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<UnconfigureResult> {
  return withContainerd(config, host, async (node) => {
    // Without a lock: where nothing was ever changed, nothing is written either.
    if ((await readRecordState(node.access)).kind === 'none') return NOTHING;
    return withHostLock(node.access, true, () => unconfigure(node, dryRun, signal));
  });
}

async function unconfigure(
  node: ContainerdNode,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<UnconfigureResult> {
  const state = await readRecordState(node.access);
  if (state.kind === 'none') return NOTHING;
  if (state.kind === 'gone') return finish(node, state.record, dryRun, signal);
  const { to, current, left } = restoredText(state);
  const isRestarted =
    !dryRun &&
    (await restoreConfig(node.access, state.record, to, await controlOf(node, signal), signal));
  const { path } = state.record;
  const isChangedByOthers = state.kind === 'changed';
  return { path, diff: unifiedDiff(path, current, to), isChangedByOthers, isRestarted, left };
}

/**
 * The file is as it was, but a run that was killed, or whoever put it back, may not have restarted
 * containerd, which would then still work with our change.
 */
async function finish(
  node: ContainerdNode,
  record: ConfigRecord,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<UnconfigureResult> {
  const control = await controlOf(node, signal);
  const isInForce = control.startedAt !== null && (await hasSeen(node, record, control.startedAt));
  if (dryRun) return isInForce ? { ...NOTHING, path: record.path } : NOTHING;
  if (isInForce) await control.restart(signal);
  await forgetRecord(node.access, record);
  return isInForce ? { ...NOTHING, path: record.path, isRestarted: true } : NOTHING;
}

/** It started after the record was written, and not after the file was put back. */
async function hasSeen(
  { host, access }: ContainerdNode,
  { path }: ConfigRecord,
  startedAt: Date,
): Promise<boolean> {
  const recorded = await host.stat(recordPathOf(layoutOf(access)));
  const file = await host.stat(path);
  return (
    recorded !== null &&
    startedAt > recorded.changedAt &&
    !(file !== null && startedAt > file.changedAt)
  );
}

function restoredText(state: Extract<RecordState, { kind: 'ours' | 'changed' }>) {
  const { record, text: current } = state;
  if (state.kind === 'ours') return { to: record.before, current, left: [] };
  const { text, left } = undoSettings(current, record.written);
  const isEmpty = record.before === null && setsNothing(text);
  return { to: isEmpty ? null : text, current, left };
}

interface RestoreControl extends ContainerdControl {
  readonly wasServing: boolean;
  /** To the second; null when it is down. */
  readonly startedAt: Date | null;
}

/** containerd may be down: it is then no reason to leave our change in place. */
async function controlOf(node: ContainerdNode, signal: AbortSignal): Promise<RestoreControl> {
  const faults = await unlessDown(fetchPluginFaults(node.client, signal));
  const process = faults === null ? null : await findContainerd(node.host, node.socketPath);
  if (process !== null) await assertUnitRuns(node, process.pid, signal);
  const before: PluginFaults = faults ?? new Map<string, string>();
  return {
    wasServing: faults !== null,
    startedAt: process?.startedAt ?? null,
    judge: async () => {
      // What it comes to is not ours to say any more; that it can be read is.
      if (process !== null) await node.dump(process, signal);
    },
    restart: (within) => restartContainerd(node, before, within),
  };
}

const DOWN: ReadonlySet<ErrorCode> = new Set(['containerd_unavailable', 'containerd_failed']);

async function unlessDown<T>(asking: Promise<T>): Promise<T | null> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AgentError && DOWN.has(error.code)) return null;
    throw error;
  }
}

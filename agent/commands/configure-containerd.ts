// Changes containerd's configuration so that it asks verifiers: what is wrong, the smallest change,
// containerd's own judgement, restart.
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config.ts';
import { AgentError, type ErrorCode } from '../errors.ts';
import { assertOnlyChanges } from '../node/containerd/change/dump-difference.ts';
import {
  dropInPaths,
  type Proposal,
  proposeChanges,
  type RootFile,
  stagedPathOf,
} from '../node/containerd/change/proposal.ts';
import { decideChange, type Setting } from '../node/containerd/change/setting.ts';
import { undoSettings } from '../node/containerd/change/undo.ts';
import type { EffectiveConfig } from '../node/containerd/effective-config.ts';
import { readNodeEvidence } from '../node/containerd/evidence.ts';
import { type Finding, findFindings } from '../node/containerd/findings.ts';
import { filesNotInForce } from '../node/containerd/findings/files.ts';
import { fetchPluginFaults } from '../node/containerd/serving.ts';
import { parseToml, TomlSection } from '../node/containerd/toml.ts';
import {
  changeConfig,
  type ContainerdControl,
  type FileChange,
  resumeChange,
  withHostLock,
} from '../node/host/containerd-config/change-config.ts';
import {
  forgetRecord,
  readRecordState,
  type RecordState,
} from '../node/host/containerd-config/record-file.ts';
import { readHostText, withStaged } from '../node/host/containerd-config/host-text.ts';
import {
  assertUnitRuns,
  type ContainerdNode,
  restartContainerd,
  withContainerd,
} from './containerd-node.ts';
import type { Host } from './host-install.ts';
import { unifiedDiff } from './unified-diff.ts';

/** What was done, or would be. */
export type ConfigureResult =
  | { readonly kind: 'nothing' }
  /** Not done: each says why, and what to do instead. */
  | { readonly kind: 'obstructed'; readonly obstacles: readonly Finding[] }
  /** The change was in place already, and containerd had not been restarted. */
  | { readonly kind: 'resumed'; readonly path: string }
  | { readonly kind: 'changed'; readonly path: string; readonly diff: string };

/**
 * Makes the smallest change that lets verifiers run, and restarts containerd; or, with `dryRun`, tells
 * it. For that too containerd is asked, with files beside its own that are removed again. Throws what
 * `readEffectiveConfig` and `changeConfig` throw.
 */
export function configureContainerd(
  config: Config,
  host: Host,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ConfigureResult> {
  return withContainerd(config, host, (node) =>
    withHostLock(node.access, false, () => configure(node, dryRun, signal)),
  );
}

async function configure(
  node: ContainerdNode,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ConfigureResult> {
  const evidence = await readNodeEvidence(node, node.verifierFile, signal);
  const { config } = evidence;
  const state = await readRecordState(node.access);
  if (state.kind === 'gone' && !dryRun) await forgetRecord(node.access, state.record);
  if (state.kind === 'ours' && isUnfinished(state.record.path, config)) {
    const control = await controlOf(node, config, null, signal);
    if (!dryRun) await resumeChange(node.access, state.record, control, signal);
    return { kind: 'resumed', path: state.record.path };
  }
  const decision = decideChange(findFindings(evidence), evidence);
  if (decision.kind !== 'change') return decision;
  const { settings } = decision;
  const proposal = await choose(node, config, settings, state, signal);
  const { path, before, after } = proposal;
  if (!dryRun) {
    const control = await controlOf(node, config, settings, signal);
    await changeConfig(node.access, changeOf(proposal, state), control, signal);
  }
  return { kind: 'changed', path, diff: unifiedDiff(path, before, after) };
}

/** A run was killed before it restarted containerd: what is not in force is ours, and nothing else. */
function isUnfinished(path: string, config: EffectiveConfig): boolean {
  const changed = filesNotInForce(config);
  return changed.length > 0 && changed.every((file) => file.path === path);
}

/** `settings` are what the configuration in place must come to, beside what it comes to now; null to take it as it is. */
async function controlOf(
  node: ContainerdNode,
  config: EffectiveConfig,
  settings: readonly Setting[] | null,
  signal: AbortSignal,
): Promise<ContainerdControl> {
  await assertUnitRuns(node, config.process.pid, signal);
  const faults = await fetchPluginFaults(node.client, signal);
  return {
    judge: async () => {
      if (settings !== null) await judge(node, config, config.configPath, settings, signal);
    },
    restart: (within) => restartContainerd(node, faults, within),
  };
}

/** Throws `containerd_change_refused` or `containerd_dump_failed`. */
async function judge(
  { dump }: ContainerdNode,
  { process: { executable }, values }: EffectiveConfig,
  configPath: string,
  settings: readonly Setting[],
  signal: AbortSignal,
): Promise<void> {
  const bytes = await dump({ executable, configPath }, signal);
  const after = parseToml(bytes, 'output of containerd config dump');
  assertOnlyChanges(values, after, settings);
}

/** The first way that comes to what is wanted, by containerd's own judgement. */
async function choose(
  node: ContainerdNode,
  config: EffectiveConfig,
  settings: readonly Setting[],
  state: RecordState,
  signal: AbortSignal,
): Promise<Proposal> {
  const root = await readRoot(node, config);
  // There is one record: what was begun in one file goes on there.
  const isOpen = ({ path }: Proposal): boolean =>
    state.kind === 'none' || state.kind === 'gone' || state.record.path === path;
  const faults: AgentError[] = [];
  for (const proposal of proposeChanges(root, settings).filter(isOpen)) {
    const stagedRoot = stagedPathOf(root.path);
    const files = new Map([
      [proposal.stagedPath, proposal.after],
      [stagedRoot, proposal.stagedRoot],
    ]);
    try {
      await withStaged(node.access, files, () => judge(node, config, stagedRoot, settings, signal));
      return proposal;
    } catch (error) {
      if (!(error instanceof AgentError) || !JUDGEMENTS.has(error.code)) throw error;
      faults.push(error);
    }
  }
  throw refused(config, faults);
}

/** That this way does not do, which says nothing of the next. */
const JUDGEMENTS: ReadonlySet<ErrorCode> = new Set([
  'containerd_change_refused',
  'containerd_config_invalid',
  'containerd_dump_failed',
]);

function refused({ configPath, files }: EffectiveConfig, faults: readonly AgentError[]) {
  const [first] = faults;
  const reason = first?.message ?? 'it was changed before in another way: uninstall first';
  const others = files.length > 1 ? ` (with ${files.length - 1} imported)` : '';
  return new AgentError(
    'containerd_change_refused',
    `${configPath}${others}: there is no change that does only what it should, so nothing was changed: ${reason}`,
    { cause: first, faults: faults.map(({ message }) => message) },
  );
}

async function readRoot({ access }: ContainerdNode, config: EffectiveConfig): Promise<RootFile> {
  const { configPath: path, files, values } = config;
  const root = files.find((file) => file.path === path);
  const imports = root?.imports ?? [];
  const dropIns = new Map<string, string>();
  for (const dropIn of dropInPaths({ path, imports })) {
    const text = await readHostText(access, dropIn);
    if (text !== null) dropIns.set(dropIn, text);
  }
  return {
    path,
    text: await readHostText(access, path),
    version: root?.version ?? null,
    newestVersion: new TomlSection(values).number('version', 2),
    imports,
    files,
    dropIns,
  };
}

/** With what is in the file of ours already. */
function changeOf({ path, before, after, written }: Proposal, state: RecordState): FileChange {
  if (state.kind === 'none' || state.kind === 'gone') {
    return { path, current: before, after, before, written, previous: null };
  }
  const { record } = state;
  const isNew = ({ path: one }: Proposal['written'][number]): boolean =>
    !record.written.some((old) => isDeepStrictEqual(old.path, one));
  const original =
    state.kind === 'ours' ? record.before : undoSettings(state.text, record.written).text;
  const kept = record.written.map((old) => {
    const again = written.find((one) => isDeepStrictEqual(old.path, one.path));
    return again === undefined ? old : { ...old, raw: again.raw };
  });
  const all = [...kept, ...written.filter(isNew)];
  return { path, current: before, after, before: original, written: all, previous: record };
}

// Brings the host to hold the verifier with its policy, trust and settings, or to hold none of it.
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { applyPlan } from './apply.ts';
import { contentOfBytes, KnownContent } from './content.ts';
import { type HostFs, NODE_HOST_FS } from './host-fs.ts';
import { createLayout, type HostLayout, type Place, verifierFiles } from './layout.ts';
import { distinctFiles } from './distinct-files.ts';
import { locate, lstatOrNull } from './locate.ts';
import { takeHostLock } from './lock.ts';
import { observeHost } from './observe.ts';
import { type Drift, findDrift } from './drift.ts';
import { isKeptPath } from './originals.ts';
import type { DesiredFile, DesiredFiles, Step } from './host-state.ts';
import { planInstall } from './plan.ts';
import { type LeftFile, planUninstall } from './plan-uninstall.ts';

/** Which host, and how to reach it. */
export interface HostAccess {
  /** Where the host's root directory is for this process. */
  readonly hostRoot: string;
  /** Default: that of containerd's default `bin_dir`. */
  readonly layout?: HostLayout;
  /** Who owns what is written; default root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Default: the real one. */
  readonly fs?: HostFs;
}

/** One certificate file of a trust store. */
export interface TrustFile {
  /** `x509/{ca,signingAuthority,tsa}/NAME/FILE`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What the host should hold. */
export interface InstallRequest extends HostAccess {
  /** The executable, as a path of this process. */
  readonly verifierPath: string;
  /** For a process that installs again and again. Default: the executable is read each time. */
  readonly verifierContent?: KnownContent;
  /** Absent: the host's own policy is used as it is. It is not parsed here. */
  readonly policyBytes?: Uint8Array;
  /** Absent: the host's own trust stores are used as they are. The files are not parsed here. */
  readonly trustFiles?: readonly TrustFile[];
  /** Written as JSON for the verifier to read. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Told what others did to our files, before anything is done about it. */
  readonly onDrift?: (drift: readonly Drift[]) => void;
}

/** What an installation did. */
export interface InstallResult {
  /** Paths of the host that were written, given another mode or owner, or removed; empty when all was well. */
  readonly changed: readonly string[];
  /** Files of ours that should go but that others have changed since; they are no longer ours. */
  readonly left: readonly string[];
}

/** What an installation would do. */
export interface InstallPreview extends InstallResult {
  readonly steps: readonly Step[];
  readonly drift: readonly Drift[];
}

/** What an uninstallation did. */
export interface UninstallResult {
  readonly removed: readonly string[];
  readonly left: readonly LeftFile[];
}

/** What an uninstallation would do. */
export interface UninstallPreview extends UninstallResult {
  readonly steps: readonly Step[];
}

/**
 * Makes the host hold what is asked for. Doing it again changes nothing; after a run that was killed
 * or failed anywhere, it finishes what was begun. Other files in `bin_dir` are not touched. Throws
 * `host_write_failed`, `host_busy`, `verifier_not_executable`, or `truststore_invalid` for the path of
 * a trust file.
 */
export async function installOnHost(request: InstallRequest): Promise<InstallResult> {
  const { hostRoot, layout = createLayout(), fs = NODE_HOST_FS } = request;
  const desired = await desiredFiles(request, layout);
  const lock = await takeHostLock(fs, hostRoot, layout.lockFile);
  try {
    const { steps, changed, left } = await previewOf(request, desired, layout);
    await applyPlan(fs, hostRoot, steps);
    return { changed, left };
  } finally {
    lock.release();
  }
}

/**
 * Tells what `installOnHost` would do, and changes nothing on the host. Throws what it would throw
 * before its first step.
 */
export async function previewInstall(request: InstallRequest): Promise<InstallPreview> {
  const { layout = createLayout() } = request;
  return previewOf(request, await desiredFiles(request, layout), layout);
}

async function previewOf(
  { hostRoot, fs = NODE_HOST_FS, owner = ROOT, onDrift }: InstallRequest,
  desired: DesiredFiles,
  layout: HostLayout,
): Promise<InstallPreview> {
  const paths = [...desired.values()].flat().map(({ path }) => path);
  const state = await observeHost(fs, hostRoot, layout, paths);
  const drift = findDrift(desired, state, layout);
  onDrift?.(drift);
  const { steps, left } = planInstall(desired, state, layout, owner);
  return { steps, changed: changedBy(steps, layout), left, drift };
}

/**
 * Removes exactly what was installed, the verifier first, and says what it left and why. The ledger
 * is not touched. Throws `host_write_failed`, also when the record of what was installed is damaged.
 */
export async function uninstallFromHost(access: HostAccess): Promise<UninstallResult> {
  const { hostRoot, layout = createLayout(), fs = NODE_HOST_FS } = access;
  const lock = await takeHostLock(fs, hostRoot, layout.lockFile);
  try {
    const { steps, removed, left } = await previewUninstall(access);
    await applyPlan(fs, hostRoot, steps);
    const all = [...left, ...(await keptDirectories(fs, hostRoot, layout, steps))];
    lock.remove();
    // What is left in a directory says enough of the directory.
    const isAbove = (path: string) => all.some((one) => one.path.startsWith(`${path}/`));
    return { removed, left: all.filter(({ path }) => !isAbove(path)) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Tells what `uninstallFromHost` would do, and changes nothing on the host. Throws what it would. */
export async function previewUninstall(access: HostAccess): Promise<UninstallPreview> {
  const { hostRoot, layout = createLayout(), fs = NODE_HOST_FS } = access;
  const state = await observeHost(fs, hostRoot, layout, verifierFiles(layout), 'manifest');
  if (state.manifestFault !== null) throw damaged(layout, state.manifestFault);
  const { steps, left } = planUninstall(state, layout);
  const removed = changedBy(
    steps.filter(({ kind }) => kind === 'remove'),
    layout,
  );
  return { steps, removed, left };
}

async function keptDirectories(
  fs: HostFs,
  hostRoot: string,
  layout: HostLayout,
  steps: readonly Step[],
): Promise<LeftFile[]> {
  const emptied = steps.filter(({ kind }) => kind === 'rmdir').map(({ path }) => path);
  const candidates: LeftFile[] = [
    ...emptied.map((path) => ({ path, reason: 'holds files of others' }) as const),
    { path: layout.stateDir, reason: 'the record of this node' },
  ];
  const kept: LeftFile[] = [];
  for (const candidate of candidates) {
    const here = await locate(fs, hostRoot, candidate.path);
    if ((await lstatOrNull(fs, here, candidate.path)) !== null) kept.push(candidate);
  }
  return kept;
}

const ROOT = { uid: 0, gid: 0 };

async function desiredFiles(
  { hostRoot, fs = NODE_HOST_FS, owner = ROOT, ...request }: InstallRequest,
  layout: HostLayout,
): Promise<DesiredFiles> {
  const { policyBytes, trustFiles, settings, verifierPath } = request;
  const { verifierContent = new KnownContent() } = request;
  const readable = (path: string, bytes: Uint8Array): DesiredFile => {
    return { path, content: contentOfBytes(bytes), mode: 0o644, ...owner };
  };
  const json = Buffer.from(`${JSON.stringify(settings, null, 2)}\n`);
  const content = await verifierContent.of(verifierPath);
  const verifiers = await distinctFiles(fs, hostRoot, verifierFiles(layout));
  const desired = new Map<Place, readonly DesiredFile[]>([
    ['settings', [readable(layout.settingsFile, json)]],
    ['verifier', verifiers.map((path) => ({ path, content, mode: 0o755, ...owner }))],
  ]);
  if (policyBytes !== undefined) desired.set('policy', [readable(layout.policyFile, policyBytes)]);
  if (trustFiles !== undefined) {
    assertTrustPaths(trustFiles);
    const files = trustFiles.map(({ path, bytes }) =>
      readable(join(layout.trustStoreDir, path), bytes),
    );
    desired.set('trust', files);
  }
  return desired;
}

const TRUST_PATH =
  /^x509\/(?:ca|signingAuthority|tsa)\/(?!\.{1,2}\/)[\w.-]{1,255}\/(?!\.{1,2}$)[\w.-]{1,255}$/;

function assertTrustPaths(files: readonly TrustFile[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    const shown = `trust file ${JSON.stringify(path.slice(0, 160))}`;
    if (!TRUST_PATH.test(path)) {
      const expected = 'expected x509/{ca,signingAuthority,tsa}/NAME/FILE';
      throw new AgentError('truststore_invalid', `${shown}: ${expected}`);
    }
    if (seen.has(path)) throw new AgentError('truststore_invalid', `${shown}: expected once`);
    seen.add(path);
  }
}

function changedBy(steps: readonly Step[], layout: HostLayout): string[] {
  return steps
    .filter(({ kind }) => kind === 'write' || kind === 'chmod' || kind === 'remove')
    .map(({ path }) => path)
    .filter((path) => path !== layout.manifestFile && !isKeptPath(layout, path));
}

function damaged(layout: HostLayout, cause: AgentError): AgentError {
  return new AgentError(
    'host_write_failed',
    `${layout.manifestFile}: expected the record of what was installed; install once more, then uninstall: ${cause.message}`,
    { cause },
  );
}

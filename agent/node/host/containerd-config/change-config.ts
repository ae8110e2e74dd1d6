// Changes one configuration file of containerd and takes the change back, so that the node never
// stays on one that does not work.
import { AgentError } from '../../../errors.ts';
import { NODE_HOST_FS } from '../host-fs.ts';
import { takeHostLock } from '../lock.ts';
import {
  layoutOf,
  makeDirectories,
  missingDirectories,
  parentOf,
  readHostText,
  removeHostText,
  type TextAccess,
  writeHostText,
} from './host-text.ts';
import type { ConfigRecord, RecordedSetting } from './record.ts';
import { digestOf, forgetRecord, saveRecord } from './record-file.ts';

/** What asks containerd and restarts it. */
export interface ContainerdControl {
  /** Throws unless containerd makes of its configuration, as it stands, what it should. */
  judge(): Promise<void>;
  /** Restarts containerd; throws unless it serves then as well as before. */
  restart(signal: AbortSignal): Promise<void>;
}

/** What to make of one file. */
export interface FileChange {
  readonly path: string;
  /** As it was found; null when there was none. */
  readonly current: string | null;
  readonly after: string;
  /** As it was before we ever changed it: not the same where we have done that before. */
  readonly before: string | null;
  /** All that is ours in `after`. */
  readonly written: readonly RecordedSetting[];
  /** Of the change before this one. */
  readonly previous: ConfigRecord | null;
}

/** Runs while nobody else installs, uninstalls or configures; `isLast` leaves no lock file. Throws `host_busy`. */
export async function withHostLock<T>(
  access: TextAccess,
  isLast: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const { hostRoot, fs = NODE_HOST_FS } = access;
  const lock = await takeHostLock(fs, hostRoot, layoutOf(access).lockFile);
  try {
    return await work();
  } finally {
    if (isLast) lock.remove();
    else lock.release();
  }
}

/**
 * Changes a file, lets containerd judge it where it stands, and restarts containerd. When that fails, or was interrupted,
 * the file's exact previous bytes, or its absence, are put back and containerd is restarted: then it throws
 * `containerd_change_undone`, or `containerd_down` when containerd does not serve even so. Before the
 * file is touched, it throws `host_write_failed` or `containerd_change_refused`.
 */
export async function changeConfig(
  access: TextAccess,
  change: FileChange,
  control: ContainerdControl,
  signal: AbortSignal,
): Promise<void> {
  const { path, current, after } = change;
  if ((await readHostText(access, path)) !== current) {
    const fault = 'expected it unchanged since it was read; run it again';
    throw new AgentError('containerd_change_refused', `host path ${path}: ${fault}`);
  }
  const record = await writeRecord(access, change);
  const undo = (): Promise<void> => putBack(access, record, current, change.previous);
  try {
    await makeDirectories(access, parentOf(path));
    await writeHostText(access, path, after);
    await control.judge();
  } catch (error) {
    // containerd has not seen it: no restart.
    await undo();
    throw error;
  }
  await restartOrUndo(path, undo, control, signal);
}

/** Finishes a change that is in place, but with which containerd was not restarted, as `changeConfig` does. */
export async function resumeChange(
  access: TextAccess,
  record: ConfigRecord,
  control: ContainerdControl,
  signal: AbortSignal,
): Promise<void> {
  const undo = (): Promise<void> => putBack(access, record, record.before, null);
  await restartOrUndo(record.path, undo, control, signal);
}

async function writeRecord(access: TextAccess, change: FileChange): Promise<ConfigRecord> {
  const { path, before, after, written, previous } = change;
  const { stateDir } = layoutOf(access);
  const directories = [
    ...(previous?.directories ?? []),
    ...(await missingDirectories(access, stateDir)),
    ...(await missingDirectories(access, parentOf(path))),
  ];
  const record = { path, before, afterSha256: digestOf(after), written, directories };
  await makeDirectories(access, stateDir);
  await saveRecord(access, record);
  return record;
}

async function restartOrUndo(
  path: string,
  undo: () => Promise<void>,
  control: ContainerdControl,
  signal: AbortSignal,
): Promise<void> {
  try {
    await control.restart(signal);
  } catch (cause) {
    await undo();
    await restartAgain(control, path, cause);
    throw new AgentError(
      'containerd_change_undone',
      `host path ${path}: containerd did not come up with the change, so that it was undone and containerd restarted: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Also when this process is asked to stop: containerd must not be left down. */
async function restartAgain(
  control: ContainerdControl,
  path: string,
  cause: unknown,
): Promise<void> {
  try {
    await control.restart(new AbortController().signal);
  } catch (error) {
    throw new AgentError(
      'containerd_down',
      `host path ${path}: containerd does not serve, although its configuration is what it was before: ${messageOf(error)}; first: ${messageOf(cause)}`,
      { cause: error },
    );
  }
}

async function putBack(
  access: TextAccess,
  record: ConfigRecord,
  text: string | null,
  previous: ConfigRecord | null,
): Promise<void> {
  // What could not be written need not be, and perhaps cannot be, written back.
  if ((await readHostText(access, record.path)) !== text) {
    if (text === null) await removeHostText(access, record.path);
    else await writeHostText(access, record.path, text);
  }
  if (previous === null) await forgetRecord(access, record);
  else await saveRecord(access, previous);
}

/**
 * Gives the file the text `to`, or removes it for null, and restarts containerd; returns whether
 * containerd serves then. When it does not and served before, or judges that it would not, the file is again as it was and
 * the record stays: then it throws `containerd_change_undone`, `containerd_down`, or what `judge`
 * throws. A containerd that was down anyway does not hold it up.
 */
export async function restoreConfig(
  access: TextAccess,
  record: ConfigRecord,
  to: string | null,
  control: ContainerdControl & { readonly wasServing: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  const { path } = record;
  const ours = await readHostText(access, path);
  const keepOurs = (): Promise<void> => putBack(access, record, ours, record);
  if (to === null) await removeHostText(access, path);
  else await writeHostText(access, path, to);
  let isServing = true;
  try {
    await control.judge();
  } catch (error) {
    await keepOurs();
    throw error;
  }
  try {
    await control.restart(signal);
  } catch (cause) {
    isServing = false;
    if (control.wasServing) {
      await keepOurs();
      await restartAgain(control, path, cause);
      throw new AgentError(
        'containerd_change_undone',
        `host path ${path}: containerd did not come up with its previous configuration, so that ours stays: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
  await forgetRecord(access, record);
  return isServing;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// The steps of a plan as `--dry-run` tells them.
import type { Step } from '../node/host/host-state.ts';

/** A step as JSON has it; `mode` in octal. */
export interface ShownStep {
  readonly action: Step['kind'];
  readonly path: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly sha256?: string;
}

/** For programs. */
export function shownStep(step: Step): ShownStep {
  const { kind: action, path } = step;
  if (!('mode' in step)) return { action, path };
  const { mode, uid, gid } = step;
  const shown = { action, path, mode: mode.toString(8).padStart(4, '0'), uid, gid };
  return step.kind === 'write' ? { ...shown, sha256: step.content.sha256 } : shown;
}

const WORDS: Readonly<Record<Step['kind'], string>> = {
  clean: 'would clean up',
  mkdir: 'would make directory',
  write: 'would write',
  chmod: 'would set mode and owner of',
  remove: 'would remove',
  rmdir: 'would remove if empty',
};

/** One line for a person. */
export function stepLine(step: Step): string {
  const { mode, uid, gid, sha256 } = shownStep(step);
  const attributes = mode === undefined ? '' : `  ${mode} ${uid}:${gid}`;
  return `${WORDS[step.kind]}  ${step.path}${attributes}${sha256 === undefined ? '' : `  sha256:${sha256}`}`;
}

// Takes out of a configuration file what we wrote, where others have changed the file since.
import { AgentError } from '../../../errors.ts';
import { parseToml } from '../toml.ts';
import type { WrittenSetting } from './proposal.ts';
import { encodePath, rawValueAt, removeValue, setRawValue } from './toml-edit.ts';

export interface Undone {
  readonly text: string;
  /** What has another value now, or cannot be taken out: it is theirs. As dotted keys. */
  readonly left: readonly string[];
}

/**
 * Puts back what stood before each setting that still has our value; everything else stays as it
 * is. Never throws for TOML.
 */
export function undoSettings(text: string, written: readonly WrittenSetting[]): Undone {
  const left: string[] = [];
  let now = text;
  for (const { path, raw, before, isTableOurs } of [...written].reverse()) {
    const found = rawValueAt(now, path);
    if (found === null) continue;
    if (found !== raw) {
      left.push(encodePath(path));
      continue;
    }
    try {
      now = before === null ? removeValue(now, path, isTableOurs) : setRawValue(now, path, before);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      left.push(encodePath(path));
    }
  }
  return { text: now, left };
}

/** Whether a configuration sets nothing: what is left of a drop-in of ours may go. Throws `containerd_config_invalid`. */
export function setsNothing(text: string): boolean {
  const table = parseToml(Buffer.from(text), 'containerd configuration');
  return Object.keys(table).every((key) => key === 'version');
}

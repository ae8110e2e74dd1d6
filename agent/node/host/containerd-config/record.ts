// The record of how containerd's configuration was changed, kept on the host, so that the change can be taken back.
import { join } from 'node:path';
import { AgentError } from '../../../errors.ts';
import { show } from '../../../oci/show.ts';
import type { HostLayout } from '../layout.ts';

/** What was written for one setting; `before` is what stood there, null for nothing. Both are TOML. */
export interface RecordedSetting {
  readonly path: readonly string[];
  readonly raw: string;
  readonly before: string | null;
  readonly isTableOurs: boolean;
}

/** One file that we changed or made. It is written before the file is, so that a killed run can be taken back. */
export interface ConfigRecord {
  readonly path: string;
  /** Its whole text before; null when it was not there. */
  readonly before: string | null;
  /** Of the text as we left it. */
  readonly afterSha256: string;
  readonly written: readonly RecordedSetting[];
  /** Directories that are to go with it if they are empty then. */
  readonly directories: readonly string[];
}

/** The text before is in it, as JSON may escape it. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

const VERSION = 1;

/** Where it is on the host: with what stays, because it is needed when everything else is gone. */
export function recordPathOf({ stateDir }: HostLayout): string {
  return join(stateDir, 'containerd-config.json');
}

export function encodeRecord(record: ConfigRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify({ version: VERSION, ...record }, null, 2)}\n`);
}

/** Parses a record, or throws `host_write_failed`. */
export function parseRecord(bytes: Uint8Array): ConfigRecord {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('UTF-8 JSON', String(cause));
  }
  if (!isRecord(document) || document['version'] !== VERSION) {
    throw malformed(`"version": ${VERSION}`, isRecord(document) ? document['version'] : document);
  }
  const { path, before, afterSha256, written, directories } = document;
  if (!isPath(path)) throw malformed('"path": an absolute path', path);
  if (!isTextOrNull(before)) throw malformed('"before": a text or null', before);
  if (typeof afterSha256 !== 'string' || !/^[0-9a-f]{64}$/.test(afterSha256)) {
    throw malformed('"afterSha256": a SHA-256', afterSha256);
  }
  if (!Array.isArray(written) || !written.every(isSetting)) {
    throw malformed('"written": a list of settings', written);
  }
  if (!Array.isArray(directories) || !directories.every(isPath)) {
    throw malformed('"directories": a list of absolute paths', directories);
  }
  return { path, before, afterSha256, written, directories };
}

function isSetting(value: unknown): value is RecordedSetting {
  if (!isRecord(value)) return false;
  const { path, raw, before, isTableOurs } = value;
  const isPlace = Array.isArray(path) && path.length > 0 && path.every(isText);
  return isPlace && isText(raw) && isTextOrNull(before) && typeof isTableOurs === 'boolean';
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

function isPath(value: unknown): value is string {
  if (!isText(value) || !value.startsWith('/') || value.includes('\0')) return false;
  const names = value.slice(1).split('/');
  return names.every((name) => name !== '' && name !== '.' && name !== '..');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(expected: string, found: unknown): AgentError {
  return new AgentError(
    'host_write_failed',
    `record of containerd’s configuration: expected ${expected}, found ${show(found)}`,
  );
}

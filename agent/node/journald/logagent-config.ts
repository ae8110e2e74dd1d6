// The section of a Logagent configuration file that sets up the input: which source, and what is done to its records.
import { AgentError } from '../../errors.ts';
import type { RecordOptions } from './logagent-record.ts';

/** What the section says, checked. */
export interface LogagentConfig extends RecordOptions {
  readonly from: LogagentOrigin;
  readonly index: string | null;
  /** Where the position is kept; null when it is not. */
  readonly stateFile: string | null;
  /** Where to start when there is no position; null for now. */
  readonly since: Date | null;
}

/** One of the three sources. */
export type LogagentOrigin =
  | {
      readonly kind: 'journal';
      readonly unit: string;
      readonly journalctl: string;
      readonly directory: string | undefined;
    }
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'upload';
      readonly unit: string;
      readonly host: string;
      readonly port: number;
      readonly token: string;
    };

type Section = Readonly<Record<string, unknown>>;

/** Those of Logagent itself, and ours. */
const KEYS = new Set([
  ...['module', 'configFile', 'configName', 'debug'],
  ...['unit', 'journalctl', 'directory', 'logFile', 'port', 'bindAddress', 'token'],
  ...['index', 'stateFile', 'since', 'removeFields', 'tags'],
]);

/**
 * Reads the section. With `logFile` the source is a file, with `port` an upload, else the journal.
 * Throws `setting_invalid`, also for a key that it does not know.
 */
export function parseLogagentConfig(section: Section): LogagentConfig {
  const unknown = Object.keys(section).filter((key) => !KEYS.has(key));
  if (unknown.length > 0) throw invalid(unknown[0] ?? '', 'a key of this input');
  const since = section['since'];
  return {
    from: originOf(section),
    index: textOf(section, 'index') ?? null,
    stateFile: textOf(section, 'stateFile') ?? null,
    since: since === undefined ? null : dateOf(since),
    removeFields: new Set(namesOf(section['removeFields']).map((name) => name.toLowerCase())),
    tags: tagsOf(section['tags']),
  };
}

function originOf(section: Section): LogagentOrigin {
  const unit = textOf(section, 'unit') ?? 'containerd.service';
  const path = textOf(section, 'logFile');
  const port = section['port'];
  if (path !== undefined && port !== undefined) throw invalid('port', 'no logFile beside it');
  if (path !== undefined) return { kind: 'file', path };
  if (port === undefined) {
    const journalctl = textOf(section, 'journalctl') ?? 'journalctl';
    return { kind: 'journal', unit, journalctl, directory: textOf(section, 'directory') };
  }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid('port', 'a number of 0 to 65535');
  }
  const token = textOf(section, 'token');
  if (token === undefined || !/^[A-Za-z0-9_-]{32,256}$/.test(token)) {
    throw invalid('token', '32 or more letters, digits, - and _');
  }
  return { kind: 'upload', unit, host: textOf(section, 'bindAddress') ?? '127.0.0.1', port, token };
}

function textOf(section: Section, key: string): string | undefined {
  const value = section[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw invalid(key, 'a text');
  return value;
}

// YAML has dates, too.
function dateOf(value: unknown): Date {
  const date = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) throw invalid('since', 'a time');
  return date;
}

function namesOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
    throw invalid('removeFields', 'a list of names');
  }
  return value;
}

function tagsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('tags', 'names with values');
  }
  return value as Readonly<Record<string, unknown>>;
}

function invalid(key: string, expected: string): AgentError {
  return new AgentError('setting_invalid', `logagent input: ${key}: expected ${expected}`);
}

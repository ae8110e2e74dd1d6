// What has to be set so that containerd asks verifiers: findings in, settings or obstacles out.
import type { Finding, FindingCode } from '../finding.ts';
import type { NodeEvidence } from '../findings.ts';
import {
  IMAGES_PLUGIN,
  parsePullSettings,
  type PullSettings,
  TRANSFER_PLUGIN,
  VERIFIER_PLUGIN,
} from '../pull-settings.ts';
import type { SettingValue } from './toml-edit.ts';

/** One value of the effective configuration, by its path in a dump. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: SettingValue;
}

/** What `install --configure-containerd` may do. */
export type Decision =
  | { readonly kind: 'nothing' }
  /** Would not let verifiers run, or would take something away: each finding says what to do instead. */
  | { readonly kind: 'obstructed'; readonly obstacles: readonly Finding[] }
  | { readonly kind: 'change'; readonly settings: readonly Setting[] };

/** containerd's own default, and more than a node needs. */
const DEFAULT_MAX_VERIFIERS = 10;

/** As containerd has it by default. */
const DEFAULT_TIMEOUT = '10s';

/** Both of CRI and of the transfer service. */
const DEFAULT_DOWNLOADS = 3;

/**
 * Installing puts them right by itself, so they do not speak against a change of the configuration.
 */
const MENDED_BY_INSTALLING: ReadonlySet<FindingCode> = new Set(['verifier_missing']);

/**
 * Warnings that speak against restarting containerd: it would not start, or it would come back as
 * something else than what runs, and putting our change back would not bring that back either.
 */
const AGAINST_RESTARTING: ReadonlySet<FindingCode> = new Set([
  'config_changed_since_start',
  'config_import_missing',
  'containerd_replaced',
  'drop_in_version',
]);

/**
 * Decides what to change. Either everything that bypasses verifiers, or makes every pull fail, can be mended, or nothing
 * is done: a restart that does not bring enforcement is not worth it.
 */
export function decideChange(findings: readonly Finding[], evidence: NodeEvidence): Decision {
  const fixable = findings.filter(({ isFixable }) => isFixable);
  const grave = findings.filter(
    ({ code, effect, isFixable }) =>
      effect !== 'warning' && !isFixable && !MENDED_BY_INSTALLING.has(code),
  );
  if (fixable.length === 0 && grave.length === 0) return { kind: 'nothing' };
  if (grave.length > 0) {
    const explaining = findings.filter(({ code }) => code.startsWith('platform_'));
    return { kind: 'obstructed', obstacles: [...grave, ...explaining] };
  }
  const risky = findings.filter(({ code }) => AGAINST_RESTARTING.has(code));
  if (risky.length > 0) return { kind: 'obstructed', obstacles: risky };
  const settings = parsePullSettings(evidence.config.values);
  return {
    kind: 'change',
    settings: fixable.flatMap(({ code }) => mend(code, settings, evidence)),
  };
}

/** What mends each finding that can be mended. */
const MENDS: Readonly<
  Partial<
    Record<FindingCode, (settings: PullSettings, evidence: NodeEvidence) => readonly Setting[]>
  >
> = {
  use_local_image_pull: () => [at(IMAGES_PLUGIN, 'use_local_image_pull', false)],
  discard_unpacked_layers: () => [at(IMAGES_PLUGIN, 'discard_unpacked_layers', false)],
  disable_snapshot_annotations: () => [at(IMAGES_PLUGIN, 'disable_snapshot_annotations', true)],
  max_concurrent_downloads: (settings, evidence) => [
    at(IMAGES_PLUGIN, 'max_concurrent_downloads', DEFAULT_DOWNLOADS),
    ...carriedDownloads(settings, evidence),
  ],
  max_verifiers: (_, evidence) => [at(VERIFIER_PLUGIN, 'max_verifiers', neededVerifiers(evidence))],
  per_verifier_timeout: () => [at(VERIFIER_PLUGIN, 'per_verifier_timeout', DEFAULT_TIMEOUT)],
};

function mend(
  code: FindingCode,
  settings: PullSettings,
  evidence: NodeEvidence,
): readonly Setting[] {
  const settingsFor = MENDS[code];
  if (settingsFor === undefined) throw new TypeError(`no setting mends ${code}`);
  return settingsFor(settings, evidence);
}

/** The number that was meant stays in force where it now counts, unless somebody has set that already. */
function carriedDownloads(
  { images }: PullSettings,
  { config: { values } }: NodeEvidence,
): readonly Setting[] {
  const wanted = images?.maxConcurrentDownloads ?? DEFAULT_DOWNLOADS;
  const transfer = at(TRANSFER_PLUGIN, 'max_concurrent_downloads', wanted);
  const found = valueAt(values, transfer.path);
  return found === DEFAULT_DOWNLOADS ? [transfer] : [];
}

/** Room for ours, should it not be there yet. */
function neededVerifiers({ binDir: { entries } }: NodeEvidence): number {
  const count = Array.isArray(entries) ? entries.length : 0;
  return Math.max(DEFAULT_MAX_VERIFIERS, count + 1);
}

function at(plugin: string, key: string, value: SettingValue): Setting {
  return { path: ['plugins', plugin, key], value };
}

/** The value at a path of parsed TOML, or undefined. */
export function valueAt(table: unknown, path: readonly string[]): unknown {
  let at: unknown = table;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

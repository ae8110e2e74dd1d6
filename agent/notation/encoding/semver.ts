// Versions and their order: Semantic Versioning 2.0.0, which the versions of plugins follow.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { FaultOptions } from './fault-options.ts';

/** Build metadata is left out: it has no part in the order. */
export interface SemVer {
  /** Major, minor and patch, as digits: they may be of any size. */
  readonly core: readonly string[];
  /** Dot-separated identifiers; empty for a release. */
  readonly preRelease: readonly string[];
}

/** The bound that npm and others have; the longest in use are a fifth of it. */
const MAX_LENGTH = 256;
const NUMBER = /^(?:0|[1-9][0-9]*)$/;
const IDENTIFIER = /^[0-9A-Za-z-]+$/;
const DIGITS = /^[0-9]+$/;

/** Parses a version without a leading `v`. Throws `options.code`. */
export function parseSemVer(text: string, options: FaultOptions): SemVer {
  if (text.length <= MAX_LENGTH) {
    const [version = '', ...builds] = text.split('+');
    const dash = version.indexOf('-');
    const core = (dash < 0 ? version : version.slice(0, dash)).split('.');
    const preRelease = dash < 0 ? [] : version.slice(dash + 1).split('.');
    if (isCore(core) && preRelease.every(isPreRelease) && isBuild(builds)) {
      return { core, preRelease };
    }
  }
  throw new AgentError(
    options.code,
    `${options.what}: expected a semantic version such as 1.2.3, found ${show(text)}`,
  );
}

function isCore(numbers: readonly string[]): boolean {
  return numbers.length === 3 && numbers.every((number) => NUMBER.test(number));
}

function isPreRelease(identifier: string): boolean {
  return (DIGITS.test(identifier) ? NUMBER : IDENTIFIER).test(identifier);
}

function isBuild(builds: readonly string[]): boolean {
  if (builds.length > 1) return false;
  return builds.every((build) => build.split('.').every((item) => IDENTIFIER.test(item)));
}

/** Negative, zero or positive, as `a` precedes, equals or follows `b` (clause 11, "Precedence"). */
export function compareSemVer(a: SemVer, b: SemVer): number {
  return (
    compareLists(a.core, b.core) ||
    // A pre-release precedes its release.
    Number(a.preRelease.length === 0) - Number(b.preRelease.length === 0) ||
    compareLists(a.preRelease, b.preRelease)
  );
}

/** The first identifiers that differ decide; if none do, the longer list follows. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [index, item] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (item !== other) return compareIdentifiers(item, other);
  }
  return a.length - b.length;
}

/** Numbers by value, of any size, and before texts; texts in ASCII order. They are not equal. */
function compareIdentifiers(a: string, b: string): number {
  const numeric = DIGITS.test(a);
  if (numeric !== DIGITS.test(b)) return numeric ? -1 : 1;
  if (numeric && a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

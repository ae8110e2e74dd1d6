import { describe, expect, it } from 'vitest';
import type { Actual, HostState } from '../../../agent/node/host/host-state.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { EMPTY_MANIFEST } from '../../../agent/node/host/manifest.ts';
import {
  findOriginals,
  isKeptPath,
  keptPath,
  keptPaths,
  removeStep,
} from '../../../agent/node/host/originals.ts';

const OLDER = createLayout('/srv/bin').verifierFile;
const LAYOUT = createLayout(undefined, '/srv/bin');
const TRUST = `${LAYOUT.trustStoreDir}/x509/ca/acme/root.crt`;
const ORIGINAL = { sha256: 'a'.repeat(64), mode: 0o640, uid: 7, gid: 8 };
const THEIRS: Actual = { kind: 'file', ...ORIGINAL };
const WANTED = [TRUST, LAYOUT.policyFile, LAYOUT.settingsFile, LAYOUT.verifierFile];

/** A host with these entries, where we wrote `recorded`. */
function hostOf(entries: Record<string, Actual>, recorded: readonly string[] = []): HostState {
  const files = new Map(recorded.map((path) => [path, ['b'.repeat(64)]]));
  return {
    entries: new Map(Object.entries(entries)),
    leftovers: [],
    manifest: { ...EMPTY_MANIFEST, files },
  };
}

function foundOn(state: HostState): string[] {
  return [...findOriginals(WANTED, state, LAYOUT).keys()];
}

describe('what stands where we write for the first time', () => {
  it('is of others, with its mode and owner, where policy and trust go', () => {
    const state = hostOf({ [LAYOUT.policyFile]: THEIRS, [TRUST]: THEIRS });
    expect(findOriginals(WANTED, state, LAYOUT)).toEqual(
      new Map([
        [TRUST, ORIGINAL],
        [LAYOUT.policyFile, ORIGINAL],
      ]),
    );
  });

  it('is ours where the verifier’s settings go, for the name is ours alone', () => {
    expect(foundOn(hostOf({ [LAYOUT.settingsFile]: THEIRS }))).toEqual([]);
  });

  it('is nothing to keep where we wrote before, or where it is no file', () => {
    expect(foundOn(hostOf({ [TRUST]: THEIRS }, [LAYOUT.policyFile]))).toEqual([TRUST]);
    expect(foundOn(hostOf({ [TRUST]: THEIRS }, [TRUST]))).toEqual([]);
    expect(foundOn(hostOf({ [TRUST]: { kind: 'symlink' } }))).toEqual([]);
  });

  it.each([LAYOUT.verifierFile, OLDER])('is ours where the record of %s was lost', (verifier) => {
    const entries = { [LAYOUT.policyFile]: THEIRS, [verifier]: THEIRS };
    expect(foundOn(hostOf(entries))).toEqual([]);
    expect(foundOn(hostOf(entries, [verifier]))).toEqual([LAYOUT.policyFile]);
  });
});

describe('a file of ours that goes', () => {
  const aside = keptPath(LAYOUT, ORIGINAL);
  const originals = new Map([[LAYOUT.policyFile, ORIGINAL]]);
  const hostWith = (kept?: Actual): HostState => {
    const { manifest, ...state } = hostOf(kept === undefined ? {} : { [aside]: kept });
    return { ...state, manifest: { ...manifest, originals } };
  };

  it('makes way for what stood there before', () => {
    expect(removeStep(LAYOUT.policyFile, hostWith(THEIRS), LAYOUT)).toMatchObject({
      kind: 'write',
      path: LAYOUT.policyFile,
      content: { kind: 'host', sha256: ORIGINAL.sha256, path: aside },
      ...{ mode: 0o640, uid: 7, gid: 8 },
    });
  });

  it.each<[string, Actual | undefined]>([
    ['is gone', undefined],
    ['was changed', { ...THEIRS, sha256: 'c'.repeat(64) }],
    ['was replaced by a link', { kind: 'symlink' }],
  ])('is only removed where what was kept %s', (_, kept) => {
    const step = { kind: 'remove', path: LAYOUT.policyFile };
    expect(removeStep(LAYOUT.policyFile, hostWith(kept), LAYOUT)).toEqual(step);
  });

  it('is only removed where nothing stood there', () => {
    const step = { kind: 'remove', path: TRUST };
    expect(removeStep(TRUST, hostWith(THEIRS), LAYOUT)).toEqual(step);
  });
});

describe('what is kept', () => {
  it('is kept once for all paths with the same content, and counts while it is there', () => {
    const originals = new Map([TRUST, LAYOUT.policyFile].map((path) => [path, ORIGINAL]));
    const manifest = { ...EMPTY_MANIFEST, originals };
    const aside = keptPath(LAYOUT, ORIGINAL);
    expect(keptPaths({ ...hostOf({ [aside]: THEIRS }), manifest }, LAYOUT)).toEqual([aside]);
    expect(keptPaths({ ...hostOf({}), manifest }, LAYOUT)).toEqual([]);
  });

  it('is told from other files by its name and its directory', () => {
    const { sha256 } = ORIGINAL;
    expect(isKeptPath(LAYOUT, keptPath(LAYOUT, ORIGINAL))).toBe(true);
    expect(isKeptPath(LAYOUT, `${LAYOUT.trustStoreDir}/x509/ca/acme/${sha256}`)).toBe(false);
    expect(isKeptPath(LAYOUT, keptPath(LAYOUT, { ...ORIGINAL, sha256: `${sha256}0` }))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { ancestorsOf } from '../../../agent/node/host/ancestors.ts';
import { contentOfBytes } from '../../../agent/node/host/content.ts';
import { createLayout, type Place, stagingDirs } from '../../../agent/node/host/layout.ts';
import { EMPTY_MANIFEST, type Manifest, parseManifest } from '../../../agent/node/host/manifest.ts';
import type {
  Actual,
  DesiredFile,
  DesiredFiles,
  HostState,
  Step,
} from '../../../agent/node/host/host-state.ts';
import { planInstall } from '../../../agent/node/host/plan.ts';

const LAYOUT = createLayout();
const OWNER = { uid: 0, gid: 0 };
const EMPTY_HOST: HostState = { entries: new Map(), leftovers: [], manifest: EMPTY_MANIFEST };
const STORE = `${LAYOUT.trustStoreDir}/x509/ca`;

function file(path: string, text: string): DesiredFile {
  return { path, content: contentOfBytes(Buffer.from(text)), mode: 0o644, ...OWNER };
}

function desiredOf(generation: string, store: string) {
  return new Map<Place, DesiredFile[]>([
    ['verifier', [file(LAYOUT.verifierFile, generation)]],
    ['settings', [file(LAYOUT.settingsFile, generation)]],
    ['policy', [file(LAYOUT.policyFile, generation)]],
    ['trust', [file(`${STORE}/${store}/root.crt`, generation)]],
  ]);
}

function plan(desired: DesiredFiles, state: HostState = EMPTY_HOST): readonly Step[] {
  return planInstall(desired, state, LAYOUT, OWNER).steps;
}

describe('a plan', () => {
  it('for an empty host records first, writes trust, policy, settings, and the verifier last', () => {
    const steps = plan(desiredOf('1', 'acme'));
    expect(steps.filter(({ kind }) => kind !== 'mkdir').map(({ path }) => path)).toEqual([
      LAYOUT.manifestFile,
      `${STORE}/acme/root.crt`,
      LAYOUT.policyFile,
      LAYOUT.settingsFile,
      LAYOUT.verifierFile,
    ]);
  });

  it('makes every directory before what goes into it, and none twice', () => {
    const made = new Set(['/']);
    for (const step of plan(desiredOf('1', 'acme'))) {
      for (const above of ancestorsOf([step.path])) expect(made).toContain(above);
      if (step.kind !== 'mkdir') continue;
      expect(made).not.toContain(step.path);
      made.add(step.path);
    }
  });

  it('for a file of others keeps it once the record says so, and takes its place only then', () => {
    const theirs: Actual = { kind: 'file', sha256: 'f'.repeat(64), mode: 0o640, uid: 7, gid: 8 };
    const directory = { kind: 'directory', mode: 0o755, ...OWNER } as const;
    const entries = new Map<string, Actual>([[LAYOUT.policyFile, theirs]]);
    for (const path of ['/etc', '/etc/containerd', '/opt']) entries.set(path, directory);
    const policyAlone = new Map([['policy', [file(LAYOUT.policyFile, '1')]]] as const);
    const steps = plan(policyAlone, { ...EMPTY_HOST, entries });
    const aside = `${LAYOUT.ownDir}/originals/${theirs.sha256}`;
    expect(steps.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      `mkdir ${LAYOUT.ownDir}`,
      `write ${LAYOUT.manifestFile}`,
      `mkdir ${LAYOUT.ownDir}/originals`,
      `write ${aside}`,
      `write ${LAYOUT.manifestFile}`,
      `write ${LAYOUT.policyFile}`,
    ]);
    expect(steps.find(({ path }) => path === aside)).toMatchObject({
      content: { kind: 'host', sha256: theirs.sha256, path: LAYOUT.policyFile },
      ...{ mode: 0o600, ...OWNER },
    });
    const [keeping, writing] = records(steps);
    const { kind, ...original } = theirs;
    expect(kind).toBe('file');
    for (const record of [keeping, writing]) {
      expect(record?.originals).toEqual(new Map([[LAYOUT.policyFile, original]]));
      expect(record?.directories).toContain(`${LAYOUT.ownDir}/originals`);
    }
    expect(keeping?.files).toEqual(new Map());
    expect([...(writing?.files.keys() ?? [])]).toEqual([LAYOUT.policyFile]);
  });

  it('for what is there already is empty', () => {
    const desired = desiredOf('1', 'acme');
    expect(plan(desired, hostOf(desired))).toEqual([]);
  });

  it('for another generation has new trust before the policy and stale trust after it', () => {
    const steps = plan(desiredOf('2', 'beta'), hostOf(desiredOf('1', 'acme')));
    expect(steps.map(({ kind, path }) => [kind, path])).toEqual([
      ['write', LAYOUT.manifestFile],
      ['mkdir', `${STORE}/beta`],
      ['write', `${STORE}/beta/root.crt`],
      ['write', LAYOUT.policyFile],
      ['remove', `${STORE}/acme/root.crt`],
      ['write', LAYOUT.settingsFile],
      ['write', LAYOUT.verifierFile],
      ['rmdir', `${STORE}/acme`],
      ['write', LAYOUT.manifestFile],
    ]);
    const [before, after] = records(steps);
    expect([...(before?.files.keys() ?? [])]).toContain(`${STORE}/acme/root.crt`);
    expect(before?.files.get(LAYOUT.policyFile)).toHaveLength(2);
    expect([...(after?.files.keys() ?? [])]).not.toContain(`${STORE}/acme/root.crt`);
    expect(after?.files.get(LAYOUT.policyFile)).toHaveLength(1);
  });

  it('for what gives way to what stood there before forgets that only once it is back', () => {
    const state = hostOf(desiredOf('1', 'acme'));
    const path = `${STORE}/acme/root.crt`;
    const original = { sha256: 'f'.repeat(64), mode: 0o640, uid: 7, gid: 8 };
    const aside = `${LAYOUT.ownDir}/originals/${original.sha256}`;
    const kept: Actual = { kind: 'file', ...original };
    const steps = plan(desiredOf('1', 'beta'), {
      entries: new Map([...state.entries, [aside, kept]]),
      leftovers: [],
      manifest: { ...state.manifest, originals: new Map([[path, original]]) },
    });
    expect(steps.map(({ kind, path: at }) => `${kind} ${at}`)).toEqual([
      `write ${LAYOUT.manifestFile}`,
      `mkdir ${STORE}/beta`,
      `write ${STORE}/beta/root.crt`,
      `write ${path}`,
      `remove ${aside}`,
      `rmdir ${STORE}/acme`,
      `write ${LAYOUT.manifestFile}`,
    ]);
    const [before, after] = records(steps);
    expect(before?.originals).toEqual(new Map([[path, original]]));
    expect(before?.directories).toEqual(expect.arrayContaining([`${STORE}/acme`, `${STORE}/beta`]));
    expect(after?.originals).toEqual(new Map());
    expect(after?.directories).not.toContain(`${STORE}/acme`);
  });

  it('stages nothing in bin_dir or in a trust store', () => {
    const dirs = stagingDirs(LAYOUT);
    expect(new Set(dirs).size).toBe(4);
    for (const dir of dirs) {
      expect(dir).not.toContain('/bin/');
      expect(dir).not.toContain('/x509/');
    }
  });

  it.each([
    ['mode', { mode: 0o666 }],
    ['user', { uid: 1 }],
    ['group', { gid: 1 }],
  ])(
    'puts another %s of a file or a directory of ours right, and of nobody else’s',
    (_, changed) => {
      const desired = desiredOf('1', 'acme');
      const state = hostOf(desired);
      const entries = new Map(
        [...state.entries].map(([path, actual]) => [path, { ...actual, ...changed }] as const),
      );
      const steps = plan(desired, { ...state, entries });
      expect(new Set(steps.map(({ kind }) => kind))).toEqual(new Set(['chmod']));
      for (const { path, ...attributes } of steps) {
        const mode = entries.get(path)?.kind === 'directory' ? 0o755 : 0o644;
        expect(attributes).toEqual({ kind: 'chmod', mode, ...OWNER });
      }
      const paths = steps.map(({ path }) => path);
      expect(paths).toEqual(expect.arrayContaining([LAYOUT.verifierFile, LAYOUT.ownDir, STORE]));
      // We made it too, but it is not of ours alone.
      expect(state.manifest.directories).toContain('/opt/containerd');
      expect(paths).not.toContain('/opt/containerd');
    },
  );

  it('leaves a place that nothing is said of as it is, and remembers what is in it', () => {
    const state = hostOf(desiredOf('1', 'acme'));
    const policyAlone = new Map([['policy', [file(LAYOUT.policyFile, '2')]]] as const);
    const steps = plan(policyAlone, state);
    expect(steps.map(({ kind, path }) => [kind, path])).toEqual([
      ['write', LAYOUT.manifestFile],
      ['write', LAYOUT.policyFile],
      ['write', LAYOUT.manifestFile],
    ]);
    const [, after] = records(steps);
    expect(new Set(after?.files.keys())).toEqual(new Set(state.manifest.files.keys()));
    expect(after?.directories).toEqual(state.manifest.directories);
  });

  it('leaves a file that is wanted no more and was changed by others, and says so; one that is gone it forgets', () => {
    const state = hostOf(desiredOf('1', 'acme'));
    const path = `${STORE}/acme/root.crt`;
    const theirs: Actual = { kind: 'file', sha256: 'f'.repeat(64), mode: 0o644, ...OWNER };
    const changed = { ...state, entries: new Map([...state.entries, [path, theirs]]) };
    const { left, steps } = planInstall(desiredOf('1', 'beta'), changed, LAYOUT, OWNER);
    expect(left).toEqual([path]);
    expect(steps.map((step) => step.path)).not.toContain(path);
    const gone = { ...state, entries: new Map([...state.entries].filter(([at]) => at !== path)) };
    expect(planInstall(desiredOf('1', 'beta'), gone, LAYOUT, OWNER).left).toEqual([]);
  });

  it('cleans up what a killed run left, and that alone if nothing else is to be done', () => {
    const desired = desiredOf('1', 'acme');
    const [leftover = ''] = stagingDirs(LAYOUT);
    const state = { ...hostOf(desired), leftovers: [leftover] };
    expect(plan(desired, state)).toEqual([{ kind: 'clean', path: leftover }]);
  });
});

/** A host that holds these files because we installed them. */
function hostOf(desired: DesiredFiles): HostState {
  const steps = plan(desired);
  const entries = new Map<string, Actual>();
  for (const step of steps) {
    if (step.kind === 'mkdir') entries.set(step.path, { ...step, kind: 'directory' });
    if (step.kind !== 'write') continue;
    const { path, content, mode, uid, gid } = step;
    entries.set(path, { kind: 'file', sha256: content.sha256, mode, uid, gid });
  }
  return { entries, leftovers: [], manifest: records(steps).at(-1) ?? EMPTY_MANIFEST };
}

/** The manifests that a plan writes, in order. */
function records(steps: readonly Step[]): Manifest[] {
  return steps.flatMap((step) =>
    step.kind === 'write' && step.path === LAYOUT.manifestFile && step.content.kind === 'bytes'
      ? [parseManifest(step.content.bytes, () => true)]
      : [],
  );
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BinDirEntry } from '../../../agent/node/containerd/bin-dir.ts';
import { readNodeEvidence } from '../../../agent/node/containerd/evidence.ts';
import { type FindingCode, FINDINGS } from '../../../agent/node/containerd/finding.ts';
import { findFindings } from '../../../agent/node/containerd/findings.ts';
import { TRANSFER_PLUGIN, VERIFIER_PLUGIN } from '../../../agent/node/containerd/pull-settings.ts';
import type { TomlTable } from '../../../agent/node/containerd/toml.ts';
import { FALLBACK_TRIGGERS } from '../../support/containerd-config.ts';
import { createContainerdHost, sourcesOf } from '../../support/containerd-host.ts';
import { expectCode } from '../../support/expect-code.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';
import { put } from '../../support/host-root.ts';
import {
  type EvidenceChange,
  evidenceOf,
  OWN_ENTRY,
  STARTED_AT,
} from '../../support/node-evidence.ts';
import { PLATFORM_TREES } from '../../support/platform-trees.ts';

const VERIFIER_FILE = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const find = (change: EvidenceChange = {}) => findFindings(evidenceOf(change));
const codes = (change: EvidenceChange) => find(change).map(({ code }) => code);
const later = new Date(STARTED_AT.getTime() + 1_001);

/** Each code with the least that makes it arise, and what it then does. */
const CASES: readonly (readonly [FindingCode, string, string, EvidenceChange])[] = [
  ['containerd_too_old', 'bypass', 'has no image verifiers', { version: '1.7.34' }],
  ['containerd_too_old', 'bypass', 'but not for those of kubelet', { version: 'v2.0.11' }],
  ['containerd_version_unknown', 'warning', '"dev"', { version: 'dev' }],
  ['cri_unavailable', 'blocks', 'no settings of the plugin', { dump: 'version = 3' }],
  [
    'cri_unavailable',
    'blocks',
    'names io.containerd.grpc.v1.cri',
    { config: { root: { disabled_plugins: ['io.containerd.grpc.v1.cri'] } } },
  ],
  ...FALLBACK_TRIGGERS.map(
    ({ code, images }) =>
      [code as FindingCode, 'bypass', 'asks no verifier', { config: { images } }] as const,
  ),
  [
    'verifier_plugin_disabled',
    'blocks',
    'do not load without it',
    { config: { root: { disabled_plugins: [VERIFIER_PLUGIN] } } },
  ],
  [
    'verifier_plugin_disabled',
    'bypass',
    'no verifier is run',
    { version: '2.3.0', config: { root: { disabled_plugins: [VERIFIER_PLUGIN] } } },
  ],
  [
    'transfer_plugin_disabled',
    'blocks',
    TRANSFER_PLUGIN,
    { config: { root: { disabled_plugins: [TRANSFER_PLUGIN] } } },
  ],
  ['max_verifiers', 'bypass', 'allows every pull', { config: { verifier: { max_verifiers: 0 } } }],
  [
    'per_verifier_timeout',
    'warning',
    '9499 ms',
    { config: { verifier: { per_verifier_timeout: '9.499s' } } },
  ],
  [
    'per_verifier_timeout',
    'blocks',
    'refuses every pull',
    { config: { verifier: { per_verifier_timeout: '0s' } } },
  ],
  ['bin_dir_elsewhere', 'bypass', '"/opt/cni/bin"', { binDir: '/opt/cni/bin', entries: [] }],
  ['bin_dir_unusable', 'bypass', 'bin_dir is ""', { binDir: '', entries: null }],
  ['bin_dir_unusable', 'bypass', 'relative', { binDir: 'opt/bin', entries: null }],
  ['bin_dir_unusable', 'bypass', 'symbolic links', { binDir: '/opt/../bin', entries: null }],
  ['bin_dir_unusable', 'bypass', 'root directory', { binDir: '/', entries: null }],
  ['bin_dir_unreadable', 'blocks', 'refuses every pull', { entries: 'unreadable' }],
  ['bin_dir_noexec', 'blocks', 'noexec', { isNoexec: true }],
  ['verifier_missing', 'bypass', 'every pull is allowed', { entries: null }],
  ['verifier_missing', 'bypass', 'every pull is allowed', { entries: [] }],
  [
    'verifier_broken',
    'blocks',
    '"nodeseal-verifier"',
    { entries: [{ ...OWN_ENTRY, kind: 'broken' }] },
  ],
  [
    'other_verifier',
    'warning',
    '"cosign"',
    { entries: [{ name: 'cosign', kind: 'executable' }, OWN_ENTRY] },
  ],
  ['lazy_snapshotter', 'warning', '"stargz"', { config: { images: { snapshotter: 'stargz' } } }],
  [
    'containerd_replaced',
    'warning',
    'process 100',
    { effective: { process: { ...evidenceOf().config.process, isReplaced: true } } },
  ],
  [
    'config_changed_since_start',
    'warning',
    '2026-01-01T12:00:00.000Z',
    { effective: { files: [{ path: '/x', version: 3, imports: [], changedAt: later }] } },
  ],
  ['config_import_missing', 'warning', '"/x"', { effective: { absentImports: ['/x'] } }],
  ['drop_in_not_imported', 'warning', '"/x"', { effective: { orphanDropIns: ['/x'] } }],
  [
    'drop_in_version',
    'warning',
    '"/b" states a higher version than',
    {
      effective: {
        files: [
          { path: '/a', version: 2, imports: [], changedAt: STARTED_AT },
          { path: '/b', version: 3, imports: [], changedAt: STARTED_AT },
        ],
      },
    },
  ],
  ['platform_config_generated', 'warning', 'kind', { platforms: ['kind'] }],
  ['platform_read_only', 'warning', 'ImageVerificationConfig', { platforms: ['Talos'] }],
];

const EVERY_TRIGGER: TomlTable = {
  ...Object.fromEntries(FALLBACK_TRIGGERS.flatMap(({ images }) => Object.entries(images))),
  registry: { mirrors: { a: {} }, configs: { b: {} }, auths: { c: {} } },
};

describe('findings', () => {
  it('are none on a healthy node', () => {
    expect(find()).toEqual([]);
    expect(find({ version: 'v2.3.4', config: { version: 4 }, platforms: ['kubeadm'] })).toEqual([]);
  });

  it.each(CASES)('%s: %s, saying %s', (code, effect, words, change) => {
    const findings = find(change);
    expect(findings).toMatchObject([{ code, effect }]);
    const [finding] = findings;
    expect(finding?.message).toContain(words);
    expect(finding?.message).toMatch(/\.$/);
    expect(finding?.remedy).toMatch(/\.$/);
  });

  it('are all produced by some node', () => {
    expect([...new Set(CASES.map(([code]) => code))].sort()).toEqual(Object.keys(FINDINGS).sort());
  });

  it('name every cause, because the next one bites when the first is mended', () => {
    expect(codes({ config: { images: EVERY_TRIGGER } })).toEqual(
      FALLBACK_TRIGGERS.map(({ code }) => code),
    );
  });

  it('tell nothing else of a containerd that asks no verifier whatever is set', () => {
    const config = { images: { discard_unpacked_layers: true } };
    expect(codes({ version: '2.0.11', config, platforms: ['kind'] })).toEqual([
      'containerd_too_old',
      'platform_config_generated',
    ]);
  });

  it('come with what bypasses first and warnings last', () => {
    const effects = find({
      config: { images: { discard_unpacked_layers: true } },
      effective: { absentImports: ['/x'] },
      entries: [OWN_ENTRY, { name: 'README', kind: 'broken' }],
    }).map(({ effect }) => effect);
    expect(effects).toEqual(['bypass', 'blocks', 'warning']);
  });

  it('count many names instead of listing them', () => {
    const mirrors = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`r${n}.example`, {}]));
    const [finding] = find({ config: { images: { registry: { mirrors } } } });
    expect(finding?.message).toContain('"r0.example", "r1.example"');
    expect(finding?.message).toContain(' and 7 more');
  });

  it('keep text from the configuration on its line', () => {
    const [finding] = find({
      config: { images: { registry: { auths: { 'a\n\u{1b}[2J': {} } } } },
    });
    expect(finding?.message).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe('what can be mended', () => {
  const fixable = (change: EvidenceChange) =>
    find(change)
      .filter(({ isFixable }) => isFixable)
      .map(({ code }) => code);
  it('is what nothing is lost by', () => {
    expect(fixable({ config: { images: EVERY_TRIGGER } })).toEqual([
      'use_local_image_pull',
      'disable_snapshot_annotations',
      'discard_unpacked_layers',
      'max_concurrent_downloads',
    ]);
    const verifier = { max_verifiers: 0, per_verifier_timeout: '1s' };
    expect(fixable({ config: { verifier } })).toEqual(['max_verifiers', 'per_verifier_timeout']);
  });

  it('leaves annotations to the lazy snapshotter that needs them', () => {
    const lazy = { disable_snapshot_annotations: false, snapshotter: 'nydus' };
    expect(fixable({ config: { images: lazy } })).toEqual([]);
    const proxied = { disable_snapshot_annotations: false, snapshotter: 'mine' };
    const proxies = { proxy_plugins: { mine: { type: 'snapshot', address: '/s' } } };
    expect(fixable({ config: { images: proxied, root: proxies } })).toEqual([]);
    expect(fixable({ config: { images: proxied } })).toEqual(['disable_snapshot_annotations']);
  });

  it('is nothing where the platform writes the configuration', () => {
    expect(fixable({ config: { images: EVERY_TRIGGER }, platforms: ['k3s'] })).toEqual([]);
    expect(fixable({ config: { images: EVERY_TRIGGER }, platforms: ['kubeadm', 'GKE'] })).toEqual(
      [],
    );
    expect(
      fixable({ config: { images: EVERY_TRIGGER }, platforms: ['Flatcar', 'kubeadm'] }),
    ).toHaveLength(4);
  });
});

describe('max_verifiers', () => {
  const others: readonly BinDirEntry[] = ['a', 'b', 'z'].map((name) => ({
    name,
    kind: 'executable',
  }));
  const entries = [...others.slice(0, 2), OWN_ENTRY, ...others.slice(2)];

  it.each([
    [-1, []],
    [4, []],
    [3, ['warning']],
    [2, ['bypass']],
    [1, ['bypass']],
    [0, ['bypass']],
  ])('of %i with ours third of four: %s', (limit, effects) => {
    const findings = find({ entries, config: { verifier: { max_verifiers: limit } } });
    const found = findings.filter(({ code }) => code === 'max_verifiers');
    expect(found.map(({ effect }) => effect)).toEqual(effects);
  });
});

describe('per_verifier_timeout', () => {
  it.each(['9.5s', '10s', '1m', '1h'])('of %s is enough', (per_verifier_timeout) => {
    expect(codes({ config: { verifier: { per_verifier_timeout } } })).toEqual([]);
  });
  it.each(['ten', '', '10'])('of %j is none', (per_verifier_timeout) => {
    expectCode(
      () => find({ config: { verifier: { per_verifier_timeout } } }),
      'containerd_config_invalid',
    );
  });
});

describe('snapshotters', () => {
  it('of a runtime count like the default one; proxies that nobody uses do not', () => {
    const root = { proxy_plugins: { idle: { type: 'snapshot' }, other: { type: 'content' } } };
    expect(codes({ config: { root } })).toEqual([]);
    const runtime_platforms = { kata: { snapshotter: 'nydus' } };
    expect(codes({ config: { images: { runtime_platforms } } })).toEqual(['lazy_snapshotter']);
    const runtimes = { kata: { snapshotter: 'idle' }, runc: { snapshotter: '' } };
    const plugins = { 'io.containerd.cri.v1.runtime': { containerd: { runtimes } } };
    expect(codes({ config: { root, plugins } })).toEqual(['lazy_snapshotter']);
  });
});

describe('a bin_dir', () => {
  it.each(['/opt/containerd/image-verifier/bin/', '/opt//containerd/./image-verifier/bin'])(
    'is ours however it is written: %s',
    (binDir) => {
      expect(codes({ binDir })).toEqual([]);
    },
  );

  it('of network plugins is told with how many they are', () => {
    const entries = ['bridge', 'calico', 'host-local', 'loopback', 'portmap', 'vlan'].map(
      (name) => ({ name, kind: 'executable' }) as const,
    );
    const findings = find({ binDir: '/opt/cni/bin', entries });
    expect(findings.map(({ code }) => code)).toEqual(['bin_dir_elsewhere', 'other_verifier']);
    expect(findings[1]?.message).toContain('and 1 more');
  });
});

describe('on the platforms', () => {
  let fake: FakeContainerd;
  beforeAll(async () => {
    fake = await startFakeContainerd();
  });
  afterAll(() => fake.stop());

  it.each(PLATFORM_TREES)('$title', async (tree) => {
    const { config, configPath, commandLine, socketPath, version } = tree;
    const hostRoot = createContainerdHost({ config, configPath, process: { commandLine } });
    put(hostRoot, '/etc/os-release', `ID=${tree.osId}\n`);
    for (const path of tree.markers) put(hostRoot, path, '');
    const sources = sourcesOf(hostRoot, fake, { version, config, socketPath });
    const signal = new AbortController().signal;
    const evidence = await readNodeEvidence(sources, VERIFIER_FILE, signal);
    expect(evidence.platforms).toEqual(tree.platforms);
    expect(evidence.config).toMatchObject({ configPath, configVersion: config.version ?? 3 });
    const findings = findFindings(evidence);
    const bypasses = findings.filter(({ effect }) => effect === 'bypass');
    expect(bypasses.map(({ code }) => code)).toEqual(tree.bypasses);
    const isOurs = tree.platforms.every((name) => name === 'kubeadm' || name === 'Flatcar');
    const about = findings.filter(({ code }) => code.startsWith('platform_'));
    expect(about.length > 0).toBe(!isOurs);
  });
});

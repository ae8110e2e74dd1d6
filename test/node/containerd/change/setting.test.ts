// What is to be changed in containerd's configuration, or why nothing is: findings in, decision out.
import { describe, expect, it } from 'vitest';
import { decideChange } from '../../../../agent/node/containerd/change/setting.ts';
import { FINDINGS } from '../../../../agent/node/containerd/finding.ts';
import { type Finding, findFindings } from '../../../../agent/node/containerd/findings.ts';
import type { ConfigOptions } from '../../../support/containerd-config.ts';
import {
  type EvidenceChange,
  evidenceOf,
  OWN_ENTRY,
  STARTED_AT,
} from '../../../support/node-evidence.ts';

const IMAGES = 'io.containerd.cri.v1.images';
const VERIFIER = 'io.containerd.image-verifier.v1.bindir';
const TRANSFER = 'io.containerd.transfer.v1.local';

function decide(change: EvidenceChange) {
  const evidence = evidenceOf(change);
  return decideChange(findFindings(evidence), evidence);
}

function settings(config: ConfigOptions, change: EvidenceChange = {}): Record<string, unknown> {
  const decision = decide({ ...change, config });
  if (decision.kind !== 'change') return { decision };
  return Object.fromEntries(
    decision.settings.map(({ path, value }) => [path.slice(1).join(' '), value]),
  );
}

describe('what to change', () => {
  it('is nothing on a node that asks verifiers, nor for what installing mends', () => {
    expect(decide({})).toEqual({ kind: 'nothing' });
    expect(decide({ entries: null })).toEqual({ kind: 'nothing' });
  });

  it('sets what is wrong to what verified pulls need, each in its plugin', () => {
    expect(settings({ images: { use_local_image_pull: true } })).toEqual({
      [`${IMAGES} use_local_image_pull`]: false,
    });
    expect(
      settings({
        images: { discard_unpacked_layers: true, disable_snapshot_annotations: false },
        verifier: { max_verifiers: 0, per_verifier_timeout: '1s' },
      }),
    ).toEqual({
      [`${IMAGES} discard_unpacked_layers`]: false,
      [`${IMAGES} disable_snapshot_annotations`]: true,
      [`${VERIFIER} max_verifiers`]: 10,
      [`${VERIFIER} per_verifier_timeout`]: '10s',
    });
  });

  it('makes room for every entry of bin_dir, and for ours to come', () => {
    const others = Array.from({ length: 12 }, (_, index) => {
      return { name: `verifier-${index}`, kind: 'executable' } as const;
    });
    expect(settings({}, { entries: [...others, OWN_ENTRY] })).toMatchObject({
      [`${VERIFIER} max_verifiers`]: 14,
    });
  });

  it('carries the number of downloads to where it counts, unless one is set there', () => {
    const images = { max_concurrent_downloads: 10 };
    const transfer = (max: number) => ({ [TRANSFER]: { max_concurrent_downloads: max } });
    expect(settings({ images, plugins: transfer(3) })).toEqual({
      [`${IMAGES} max_concurrent_downloads`]: 3,
      [`${TRANSFER} max_concurrent_downloads`]: 10,
    });
    expect(settings({ images, plugins: transfer(5) })).toEqual({
      [`${IMAGES} max_concurrent_downloads`]: 3,
    });
  });

  it('covers every finding that is called fixable', () => {
    const codes = new Set<string>();
    const changes: ConfigOptions[] = [
      { images: { use_local_image_pull: true } },
      { images: { disable_snapshot_annotations: false } },
      { images: { discard_unpacked_layers: true } },
      { images: { max_concurrent_downloads: 4 } },
      { verifier: { max_verifiers: 0 } },
      { verifier: { per_verifier_timeout: '0s' } },
    ];
    for (const config of changes) {
      const fixable = findFindings(evidenceOf({ config })).filter(({ isFixable }) => isFixable);
      for (const { code } of fixable) codes.add(code);
      expect(decide({ config }).kind).toBe('change');
    }
    expect(codes.size).toBe(changes.length);
  });

  it('fails loudly for a finding that is called fixable and has no setting', () => {
    const finding: Finding = {
      code: 'registry_mirrors',
      effect: 'bypass',
      message: FINDINGS.registry_mirrors,
      remedy: '',
      isFixable: true,
    };
    expect(() => decideChange([finding], evidenceOf())).toThrow(TypeError);
  });
});

describe('what is not done', () => {
  const fixable = { images: { discard_unpacked_layers: true } };

  function obstacles(change: EvidenceChange): readonly string[] {
    const decision = decide({ config: fixable, ...change });
    return decision.kind === 'obstructed' ? decision.obstacles.map(({ code }) => code) : [];
  }

  it('is a change that would not let verifiers run, because of what cannot be mended', () => {
    const mirrors = { mirrors: { 'a.example': { endpoint: ['https://b.example'] } } };
    const images = { ...fixable.images, registry: mirrors };
    expect(obstacles({ config: { images } })).toEqual(['registry_mirrors']);
    expect(obstacles({ binDir: '/opt/cni/bin' })).toEqual(['bin_dir_elsewhere']);
    expect(obstacles({ entries: 'unreadable' })).toEqual(['bin_dir_unreadable']);
    expect(obstacles({ version: '2.0.11' })).toEqual(['containerd_too_old']);
  });

  it('is one that a lazy snapshotter needs the other way', () => {
    const images = { snapshotter: 'stargz', disable_snapshot_annotations: false };
    expect(obstacles({ config: { images } })).toEqual(['disable_snapshot_annotations']);
  });

  it('is one that the platform takes back, which says where to make it', () => {
    expect(obstacles({ platforms: ['k3s'] })).toEqual([
      'discard_unpacked_layers',
      'platform_config_generated',
    ]);
    expect(obstacles({ platforms: ['kubeadm'] })).toEqual([]);
  });

  it('is one whose restart could bring back something else than what runs', () => {
    const path = '/etc/containerd/config.toml';
    const later = new Date(STARTED_AT.getTime() + 60_000);
    const changed = [{ path, version: 3, imports: [], changedAt: later }];
    expect(obstacles({ effective: { files: changed } })).toEqual(['config_changed_since_start']);
    expect(obstacles({ effective: { absentImports: ['/a.toml'] } })).toEqual([
      'config_import_missing',
    ]);
    const replaced = { ...evidenceOf().config.process, isReplaced: true };
    expect(obstacles({ effective: { process: replaced } })).toEqual(['containerd_replaced']);
  });
});

// Where a setting is written: each form of root file, each version, each way to import.
import { describe, expect, it } from 'vitest';
import {
  dropInPaths,
  proposeChanges,
  type RootFile,
} from '../../../../agent/node/containerd/change/proposal.ts';
import type { Setting } from '../../../../agent/node/containerd/change/setting.ts';
import { setsNothing, undoSettings } from '../../../../agent/node/containerd/change/undo.ts';
import { expectCode } from '../../../support/expect-code.ts';

const PATH = '/etc/containerd/config.toml';
const STAGED = '/etc/containerd/.config.toml.nodeseal-staged';
const STAGED_DROP_IN = '/etc/containerd/.zz-nodeseal.toml.nodeseal-staged';
const DISCARD: Setting = {
  path: ['plugins', 'io.containerd.cri.v1.images', 'discard_unpacked_layers'],
  value: false,
};
const DOWNLOADS: Setting = {
  path: ['plugins', 'io.containerd.transfer.v1.local', 'max_concurrent_downloads'],
  value: 10,
};
const LOCAL: Setting = {
  path: ['plugins', 'io.containerd.cri.v1.images', 'use_local_image_pull'],
  value: false,
};

function rootOf(text: string | null, change: Partial<RootFile> = {}): RootFile {
  return {
    path: PATH,
    text,
    version: 3,
    newestVersion: 3,
    imports: [],
    files: [],
    dropIns: new Map(),
    ...change,
  };
}

const file = (path: string) => ({ path, version: null, imports: [], changedAt: new Date(0) });

describe('without imports, the root file', () => {
  it.each([3, 4])('of version %d is edited by today’s names', (version) => {
    const text = `version = ${version} # ours\n[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true\n`;
    const [proposal, ...others] = proposeChanges(rootOf(text, { version }), [DISCARD]);
    expect(others).toEqual([]);
    expect(proposal).toEqual({
      path: PATH,
      before: text,
      after: text.replace('true', 'false'),
      written: [{ path: DISCARD.path, raw: 'false', before: 'true', isTableOurs: false }],
      stagedRoot: text.replace('true', 'false'),
      stagedPath: STAGED,
    });
  });

  it('of version 2 is edited where the setting stands there, or belongs', () => {
    const old =
      '[plugins."io.containerd.grpc.v1.cri".containerd]\ndiscard_unpacked_layers = true\n';
    const edit = (text: string, setting: Setting) =>
      proposeChanges(rootOf(text, { version: 2 }), [setting])[0]?.after;
    expect(edit(old, DISCARD)).toBe(old.replace('true', 'false'));
    // With today's names in a file of version 2, as AKS has it.
    const mixed = '[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true\n';
    expect(edit(mixed, DISCARD)).toBe(mixed.replace('true', 'false'));
    expect(edit('version = 2\n', DISCARD)).toContain(
      '[plugins."io.containerd.grpc.v1.cri".containerd]\n  discard_unpacked_layers = false\n',
    );
    expect(edit('version = 2\n', LOCAL)).toContain('[plugins."io.containerd.cri.v1.images"]\n');
    expect(edit('version = 2\n', DOWNLOADS)).toContain(
      '[plugins."io.containerd.transfer.v1.local"]\n',
    );
  });

  it('is one that says what it is for, where there is none', () => {
    const [proposal] = proposeChanges(rootOf(null, { newestVersion: 4, version: null }), [DISCARD]);
    expect(proposal).toMatchObject({ path: PATH, before: null });
    expect(proposal?.after).toBe(
      '# Written by nodeseal install --configure-containerd, so that containerd asks image verifiers.\n' +
        '# nodeseal uninstall takes it away again.\n' +
        'version = 4\n\n[plugins."io.containerd.cri.v1.images"]\n  discard_unpacked_layers = false\n',
    );
  });

  it('is refused where it cannot be edited', () => {
    expectCode(
      () => proposeChanges(rootOf('plugins = 1\n'), [DISCARD]),
      'containerd_change_refused',
    );
  });
});

describe('a drop-in', () => {
  const text = 'version = 3\nimports = ["conf.d/*.toml"]\n';
  const imports = ['conf.d/*.toml'];
  const dropIn = '/etc/containerd/conf.d/zz-nodeseal.toml';

  it('is tried first where the root file imports a folder, and the root file last', () => {
    const proposals = proposeChanges(rootOf(text, { imports }), [DISCARD, DOWNLOADS]);
    expect(proposals.map(({ path }) => path)).toEqual([dropIn, PATH]);
    expect(proposals[0]).toMatchObject({ before: null, stagedPath: STAGED_DROP_IN });
    expect(proposals[0]?.after).toContain(
      'version = 3\n\n[plugins."io.containerd.cri.v1.images"]\n  discard_unpacked_layers = false\n\n[plugins."io.containerd.transfer.v1.local"]\n  max_concurrent_downloads = 10\n',
    );
    expect(proposals[0]?.stagedRoot).toBe(text.replace('conf.d/*.toml', STAGED_DROP_IN));
  });

  it('has the root file’s version: 2 by the names of that time, then by today’s; none where it has none', () => {
    const [old, today] = proposeChanges(rootOf(text, { version: 2, imports }), [DISCARD]);
    expect(old?.after).toContain(
      'version = 2\n\n[plugins."io.containerd.grpc.v1.cri".containerd]\n',
    );
    expect(today?.after).toContain('version = 2\n\n[plugins."io.containerd.cri.v1.images"]\n');
    const [none] = proposeChanges(rootOf(text, { version: null, imports }), [DISCARD]);
    expect(none?.after).not.toContain('version');
  });

  it('is judged at its place among the others', () => {
    const all = ['a.toml', 'zzz.toml'].map((name) => file(`/etc/containerd/conf.d/${name}`));
    const [proposal] = proposeChanges(
      rootOf('imports = ["/x.toml", "conf.d/*.toml", "/y/*.toml"]\n', {
        imports: ['/x.toml', 'conf.d/*.toml'],
        files: [file(PATH), file('/x.toml'), ...all],
      }),
      [DISCARD],
    );
    expect(proposal?.stagedRoot).toBe(
      `imports = ["/x.toml", "/etc/containerd/conf.d/a.toml", "${STAGED_DROP_IN}", "/etc/containerd/conf.d/zzz.toml"]\n`,
    );
  });

  it('that is there is edited, whoever wrote it', () => {
    const theirs =
      '# theirs\nversion = 3\n[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true\n';
    const dropIns = new Map([[dropIn, theirs]]);
    const [proposal] = proposeChanges(rootOf(text, { imports, dropIns }), [DISCARD]);
    expect(proposal).toMatchObject({ before: theirs, after: theirs.replace('true', 'false') });
    expect(proposal?.written).toMatchObject([{ before: 'true', isTableOurs: false }]);
  });

  it('is the only way where the root file cannot be edited', () => {
    const odd = `${text}plugins = 1\n`;
    expect(proposeChanges(rootOf(odd, { imports }), [DISCARD])).toHaveLength(1);
  });

  it.each([
    [['/etc/containerd/conf.d/*.toml'], ['/etc/containerd/conf.d/zz-nodeseal.toml']],
    [['../other/*.toml', 'conf.d/*'], ['/etc/other/zz-nodeseal.toml']],
    [
      ['a/*.toml', 'b/zz*.toml'],
      ['/etc/containerd/b/zz-nodeseal.toml', '/etc/containerd/a/zz-nodeseal.toml'],
    ],
    [['a.toml', '/b/*/c.toml', 'c/[a-z]*.toml', 'd?/*.toml', 'e/50-*.toml'], []],
  ])('goes with imports %j to %j', (patterns, expected) => {
    expect(dropInPaths({ path: PATH, imports: patterns })).toEqual(expected);
  });
});

describe('taking it back out of a file that others have changed', () => {
  const [change] = proposeChanges(
    rootOf(
      'version = 3\n[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true # why\n',
    ),
    [DISCARD, DOWNLOADS],
  );
  if (change === undefined) throw new TypeError('expected a proposal');

  it('leaves their lines, and what was there before ours', () => {
    const theirs = change.after.replace('version = 3\n', 'version = 3\nroot = "/r"\n');
    expect(undoSettings(theirs, change.written)).toEqual({
      text: 'version = 3\nroot = "/r"\n[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true # why\n',
      left: [],
    });
  });

  it('leaves what they gave another value, and does not miss what they removed', () => {
    const theirs = change.after
      .replace('= 10', '= 12')
      .replace('discard_unpacked_layers = false', '');
    expect(undoSettings(theirs, change.written)).toEqual({
      text: theirs,
      left: ['plugins."io.containerd.transfer.v1.local".max_concurrent_downloads'],
    });
  });

  it('leaves nothing of a drop-in to which nobody added anything', () => {
    const [own] = proposeChanges(rootOf(null), [DISCARD, DOWNLOADS]);
    const { text } = undoSettings(`# theirs\n${own?.after ?? ''}`, own?.written ?? []);
    expect(setsNothing(text)).toBe(true);
    expect(setsNothing(`root = "/r"\n${text}`)).toBe(false);
  });
});

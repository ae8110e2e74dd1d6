// The bin_dir of a running containerd: which is followed, and whether it is in force.
import { describe, expect, it } from 'vitest';
import { readEffectiveBinDir } from '../../../agent/node/containerd/effective-bin-dir.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { evidenceOf, STARTED_AT } from '../../support/node-evidence.ts';

const ROOT = '/etc/containerd/config.toml';
const DROP_IN = '/srv/conf.d/ten.toml';
const BEFORE = new Date(STARTED_AT.getTime() - 1000);
const AFTER = new Date(STARTED_AT.getTime() + 1000);
/** When what is on the host changed last. */
const OLD: Readonly<Record<string, Date>> = {
  ...{ '/': BEFORE, '/etc': BEFORE, '/srv': BEFORE, '/srv/conf.d': BEFORE },
  // We write into it ourselves.
  '/etc/containerd': AFTER,
  ...{ [ROOT]: BEFORE, [DROP_IN]: BEFORE },
};

/** `now` is what is on the host, of which undefined is gone. */
function read(binDir: string, now: Readonly<Record<string, Date | undefined>> = {}) {
  const host = { ...OLD, ...now };
  const files = [ROOT, DROP_IN].flatMap((path) => {
    const changedAt = host[path];
    const imports = path === ROOT ? ['/srv/conf.d/*.toml'] : [];
    return changedAt === undefined ? [] : [{ path, version: 3, imports, changedAt }];
  });
  const config = { verifier: { bin_dir: binDir } };
  const evidence = evidenceOf({ config, effective: { files } });
  return readEffectiveBinDir(evidence.config, {
    stat: (path) => {
      const changedAt = host[path];
      const entry = { kind: 'directory', isExecutable: true } as const;
      return Promise.resolve(changedAt === undefined ? null : { ...entry, changedAt });
    },
  });
}

describe('bin_dir of a running containerd', () => {
  it.each([
    ['/srv/bin', '/srv/bin'],
    ['/srv/./bin//', '/srv/bin'],
  ])('%s is followed', async (binDir, path) => {
    expect(await read(binDir)).toEqual({ path, isInForce: true, verifierTimeoutMs: 10_000 });
  });

  it.each([
    ['', 'asks no verifier'],
    ['srv/bin', 'how containerd was started'],
    ['/srv/../bin', 'symbolic links'],
    ['/srv/bin/..', 'symbolic links'],
    ['//', 'root directory'],
    ['/srv/b\u0000in', 'control characters'],
    ['/srv/b\nin', 'control characters'],
  ])('%j is refused with a remedy', async (binDir, fault) => {
    const { message } = await expectCodeAsync(read(binDir), 'bin_dir_unusable');
    expect(message).toContain(fault);
    expect(message).toContain('set it to a directory for image verifiers alone');
  });

  it.each([
    ['the root file was changed', { [ROOT]: AFTER }],
    ['a file was changed at the very moment', { [ROOT]: STARTED_AT }],
    ['a drop-in was changed', { [DROP_IN]: AFTER }],
    ['one was added or removed', { '/srv/conf.d': AFTER }],
    ['all of them were removed', { '/srv/conf.d': undefined, '/srv': AFTER }],
    ['the root file was removed', { [ROOT]: undefined }],
  ])('is not in force once %s', async (_, now) => {
    expect((await read('/srv/bin', now)).isInForce).toBe(false);
  });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { installOnHost } from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { MAX_MANIFEST_BYTES } from '../../../agent/node/host/manifest.ts';
import { observeHost } from '../../../agent/node/host/observe.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function observe(root: string, paths: readonly string[] = []) {
  return observeHost(NODE_HOST_FS, root, LAYOUT, paths);
}

it('tells what stands at a path, and opens nothing but files', async () => {
  const root = createHostRoot();
  const path = (name: string) => join(root, 'etc', name);
  put(root, '/etc/file', '');
  chmodSync(path('file'), 0o4640);
  mkdirSync(path('directory'), { mode: 0o700 });
  symlinkSync('file', path('link'));
  expect(spawnSync('mkfifo', [path('pipe')]).status).toBe(0);
  const names = ['file', 'directory', 'link', 'pipe', 'absent'];
  const { entries } = await observe(
    root,
    names.map((name) => `/etc/${name}`),
  );
  const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(names.map((name) => entries.get(`/etc/${name}`))).toEqual([
    { kind: 'file', sha256, mode: 0o4640, ...OWNER },
    { kind: 'directory', mode: 0o700, ...OWNER },
    { kind: 'symlink' },
    { kind: 'other' },
    undefined,
  ]);
});

it('refuses to install over what is neither file nor directory', async () => {
  const root = createHostRoot();
  mkdirSync(join(root, dirname(LAYOUT.policyFile)), { recursive: true });
  expect(spawnSync('mkfifo', [join(root, LAYOUT.policyFile)]).status).toBe(0);
  const error = await expectCodeAsync(installOnHost(requestFor(root)), 'host_write_failed');
  expect(error.message).toContain(`host path ${LAYOUT.policyFile}: expected a regular file`);
});

it('reads a record as large as one may be, and takes a larger one for empty', async () => {
  const root = createHostRoot();
  await installOnHost(requestFor(root));
  const record = join(root, LAYOUT.manifestFile);
  const text = readFileSync(record, 'utf8');
  writeFileSync(record, text.padEnd(MAX_MANIFEST_BYTES));
  const { manifest, manifestFault } = await observe(root);
  expect(manifestFault).toBeNull();
  expect(manifest.files.size).toBe(4);
  writeFileSync(record, text.padEnd(MAX_MANIFEST_BYTES + 1));
  const { manifest: none, manifestFault: fault } = await observe(root);
  expect(fault).toMatchObject({ code: 'host_write_failed' });
  expect(none.files.size).toBe(0);
});

it('sees a trust file by both its paths where a trust store is a link to another', async () => {
  const root = createHostRoot();
  const [acme, beta] = ['x509/ca/acme/root.crt', 'x509/ca/beta/root.crt'];
  const stores = join(root, LAYOUT.trustStoreDir, 'x509/ca');
  mkdirSync(stores, { recursive: true });
  symlinkSync('acme', join(stores, 'beta'));
  const bytes = Buffer.from('acme');
  const request = requestFor(root, { trustFiles: [acme, beta].map((path) => ({ path, bytes })) });
  await installOnHost(request);
  expect(await installOnHost(request)).toEqual({ changed: [], left: [] });
  const { entries } = await observe(root);
  for (const path of [acme, beta]) {
    expect(entries.get(join(LAYOUT.trustStoreDir, path))).toMatchObject({ kind: 'file' });
  }
});

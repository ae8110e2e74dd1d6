// A fake host: a temporary directory that stands for a host's root, and what an installation puts into it.
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { InstallRequest } from '../../agent/node/host/install.ts';

/** Makes a host that ends with the test. */
export function createHostRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'nodeseal-host-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** An installation owned by whoever runs the tests. */
export function requestFor(
  hostRoot: string,
  change: Partial<InstallRequest> & { readonly verifier?: string } = {},
): InstallRequest {
  const { verifier = '#!/bin/sh\nexit 0\n', ...rest } = change;
  const verifierPath = join(createHostRoot(), 'nodeseal-verifier');
  writeFileSync(verifierPath, verifier);
  return {
    hostRoot,
    verifierPath,
    policyBytes: Buffer.from('{"version":"1.0"}'),
    trustFiles: [{ path: 'x509/ca/acme/root.crt', bytes: Buffer.from('acme') }],
    settings: { socket: '/run/nodeseal/agent.sock' },
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    ...rest,
  };
}

/** Puts a file on the host. */
export function put(hostRoot: string, path: string, text: string): void {
  mkdirSync(dirname(join(hostRoot, path)), { recursive: true });
  writeFileSync(join(hostRoot, path), text);
}

/** Everything below a directory, as one comparable value: kind, mode, owner, content, and times if asked for. */
export function snapshot(root: string, times = false): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, name);
    const stats = lstatSync(path);
    const content = stats.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : stats.isSymbolicLink()
        ? readlinkSync(path)
        : '';
    const when = times ? ` ${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs}` : '';
    found[`/${name}`] = `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${content}${when}`;
  }
  return found;
}

/** The same without what may differ between two installations that are equally good. */
export function withoutLock(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([path]) => !path.startsWith('/run')));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { breakGlass } from '../../agent/commands/break-glass.ts';
import { findBinDirs } from '../../agent/commands/bin-dirs.ts';
import { hostOf, installRequest } from '../../agent/commands/host-install.ts';
import { install } from '../../agent/commands/install.ts';
import { uninstall } from '../../agent/commands/uninstall.ts';
import { parseConfig } from '../../agent/config.ts';
import { NODE_HOST_FS } from '../../agent/node/host/host-fs.ts';
import { takeHostLock } from '../../agent/node/host/lock.ts';
import {
  AgentHost,
  CERTIFICATE,
  IS_ROOT,
  POLICY,
  policyNamed,
  VERIFIER,
} from '../support/agent-host.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand, temporaryDirectory } from '../support/front-door.ts';
import { put, snapshot, withoutLock } from '../support/host-root.ts';

describe.runIf(IS_ROOT)('install', () => {
  it('puts verifier, policy, trust and settings on the host, and then changes nothing', async () => {
    const host = new AgentHost();
    const { code, stdout } = await runCommand(install, [], host.settings());
    expect(code).toBe(0);
    for (const path of [POLICY, CERTIFICATE, VERIFIER, 'opt/nodeseal/verifier.json']) {
      expect(stdout).toContain(`changed  /${path}\n`);
      expect(existsSync(host.at(path))).toBe(true);
    }
    expect(statSync(host.at(VERIFIER)).mode & 0o777).toBe(0o755);
    const before = withoutLock(snapshot(host.root, true));
    const again = await runCommand(install, [], host.settings());
    expect(again).toMatchObject({ code: 0, stdout: 'nothing to change\n' });
    // There is none on this host.
    expect(again.stderr).toMatch(/^warning {2}containerd_missing: .+\n$/);
    expect(withoutLock(snapshot(host.root, true))).toEqual(before);
  });

  it('says what it did as JSON', async () => {
    const host = new AgentHost();
    const first = await runCommand(install, ['--output', 'json'], host.settings());
    const { changed, left } = JSON.parse(first.stdout) as { changed: string[]; left: string[] };
    expect(changed).toContain(`/${VERIFIER}`);
    expect(left).toEqual([]);
    const again = await runCommand(install, ['--output', 'json'], host.settings());
    expect(JSON.parse(again.stdout)).toEqual({
      changed: [],
      left: [],
      warnings: [expect.objectContaining({ code: 'containerd_missing' })],
    });
  });

  it('tells as a dry run each step in order, and changes nothing', async () => {
    const host = new AgentHost();
    put(host.root, 'etc/containerd/config.toml', 'version = 3\n');
    const before = snapshot(host.root, true);
    const { code, stdout } = await runCommand(install, ['--dry-run'], host.settings());
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toContain('would make directory  /opt/nodeseal  0755 0:0');
    expect(lines.at(-1)).toMatch(
      /^would write {2}\/opt\/containerd\/image-verifier\/bin\/nodeseal-verifier {2}0755 0:0 {2}sha256:[0-9a-f]{64}$/,
    );
    expect(snapshot(host.root, true)).toEqual(before);
    await runCommand(install, [], host.settings());
    const again = await runCommand(install, ['--dry-run'], host.settings());
    expect(again.stdout).toBe('nothing to change\n');
  });

  it('tells a dry run as JSON, with what others touched', async () => {
    const host = new AgentHost();
    const dryRun = async () => {
      const args = ['--dry-run', '--output', 'json'];
      const { stdout } = await runCommand(install, args, host.settings());
      return JSON.parse(stdout) as Record<'changed' | 'left' | 'drift' | 'steps', unknown[]>;
    };
    const planned = await dryRun();
    const { stdout } = await runCommand(install, ['--output', 'json'], host.settings());
    const done = JSON.parse(stdout) as { changed: string[] };
    expect(planned).toMatchObject({ dryRun: true, changed: done.changed, left: [], drift: [] });
    expect(planned.steps).toContainEqual(
      expect.objectContaining({
        action: 'write',
        path: `/${POLICY}`,
        mode: '0644',
        uid: 0,
        gid: 0,
      }),
    );
    chmodSync(host.at(POLICY), 0o600);
    expect(await dryRun()).toEqual({
      dryRun: true,
      changed: [`/${POLICY}`],
      left: [],
      drift: [{ path: `/${POLICY}`, place: 'policy', kind: 'attributes' }],
      steps: [{ action: 'chmod', path: `/${POLICY}`, mode: '0644', uid: 0, gid: 0 }],
      warnings: [expect.objectContaining({ code: 'containerd_missing' })],
    });
  });

  it('refuses as a dry run what it would refuse', async () => {
    const host = new AgentHost();
    host.policySource.swap({ 'policy.json': '{' });
    const dryRun = runCommand(install, ['--dry-run'], host.settings());
    await expectCodeAsync(dryRun, 'policy_invalid');
  });

  it.each([
    ['no program for this machine', 'not a program'],
    ['without its interpreter', '#!/none\n'],
  ])('leaves the verifier that works when the new one is %s', async (_, content) => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    const before = snapshot(host.root);
    const settings = host.settings();
    writeFileSync(settings['NODESEAL_VERIFIER'] ?? '', content);
    const error = await expectCodeAsync(
      runCommand(install, [], settings),
      'verifier_not_executable',
    );
    expect(error.message).toContain('nothing was put in its place');
    expect(statSync(host.at(VERIFIER)).size).toBe('#!/bin/sh\nexit 0\n'.length);
    await runCommand(install, [], host.settings());
    expect(withoutLock(snapshot(host.root))).toEqual(withoutLock(before));
  });

  it('refuses a policy that is larger than any, and what is on the host stays', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    const before = withoutLock(snapshot(host.root, true));
    host.policySource.swap({ 'policy.json': Buffer.alloc(10 * 1024 * 1024, ' ') });
    const error = await expectCodeAsync(runCommand(install, [], host.settings()), 'policy_invalid');
    expect(error.message).toContain('bytes');
    expect(withoutLock(snapshot(host.root, true))).toEqual(before);
  });

  it('goes by content, whatever the clock says', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    for (const path of [POLICY, CERTIFICATE, VERIFIER]) {
      utimesSync(host.at(path), new Date('2001-01-01'), new Date('2099-01-01'));
    }
    expect((await runCommand(install, [], host.settings())).stdout).toBe('nothing to change\n');
    const { size } = statSync(host.at(POLICY));
    const times = statSync(host.at(POLICY));
    writeFileSync(host.at(POLICY), Buffer.alloc(size, ' '));
    utimesSync(host.at(POLICY), times.atime, times.mtime);
    const { stdout } = await runCommand(install, [], host.settings());
    expect(stdout).toBe(`changed  /${POLICY}\n`);
  });

  it('tells the verifier what the settings say', async () => {
    const host = new AgentHost();
    const settings = {
      NODESEAL_AGENT_SOCKET: '/run/x.sock',
      NODESEAL_REGISTRY_PLAIN_HTTP: 'reg:5000',
      NODESEAL_PLUGIN_DIR: '/opt/plugins',
      NODESEAL_BUNDLE_DIR: '/srv/bundle',
    };
    await runCommand(install, [], { ...host.settings(), ...settings });
    const text = readFileSync(host.at('opt/nodeseal/verifier.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      agentSocket: '/run/x.sock',
      plainHttp: ['reg:5000'],
      policyFile: `/${POLICY}`,
      pluginDir: '/opt/plugins',
      crlCacheDir: '/var/lib/nodeseal/crl',
      bundleDir: '/srv/bundle',
    });
  });

  it('writes nothing when a source is bad, and keeps the last good on the host', async () => {
    const host = new AgentHost();
    host.policySource.swap({ 'policy.json': '{' });
    await expectCodeAsync(runCommand(install, [], host.settings()), 'policy_invalid');
    expect(snapshot(host.root)).toEqual({});
    host.policySource.swap({ 'policy.json': policyNamed('good') });
    await runCommand(install, [], host.settings());
    const before = withoutLock(snapshot(host.root, true));
    host.policySource.swap({ 'policy.json': policyNamed('better') });
    host.trustSource.swap({ 'x509/ca/acme/root.pem': 'junk' });
    await expectCodeAsync(runCommand(install, [], host.settings()), 'truststore_invalid');
    expect(withoutLock(snapshot(host.root, true))).toEqual(before);
  });

  it('takes the host’s own policy and trust where no source is set, if they are good', async () => {
    const host = new AgentHost();
    const unset = { NODESEAL_POLICY_SOURCE: '', NODESEAL_TRUSTSTORE_SOURCE: '' };
    const own = { ...host.settings(), ...unset };
    await expectCodeAsync(runCommand(install, [], own), 'policy_missing');
    expect(snapshot(host.root)).toEqual({});
    put(host.root, POLICY, Buffer.from(policyNamed('own')).toString());
    await expectCodeAsync(runCommand(install, [], own), 'truststore_missing');
    put(
      host.root,
      CERTIFICATE,
      readFileSync(join(host.trustSource.path, 'x509/ca/acme/root.pem'), 'utf8'),
    );
    const { stdout } = await runCommand(install, [], own);
    expect(stdout).toContain(`/${VERIFIER}`);
    expect(stdout).not.toContain(POLICY);
    expect(stdout).not.toContain(CERTIFICATE);
  });

  it('refuses a misspelt setting before anything else', async () => {
    const host = new AgentHost();
    const settings = { ...host.settings(), NODESEAL_BINDIR: '/bin' };
    await expectCodeAsync(runCommand(install, [], settings), 'setting_invalid');
    await expectCodeAsync(runCommand(install, ['now'], host.settings()), 'argument_invalid');
    expect(snapshot(host.root)).toEqual({});
  });
});

describe.runIf(IS_ROOT)('uninstall', () => {
  it('leaves the host as it was before', async () => {
    const host = new AgentHost();
    put(host.root, 'etc/containerd/config.toml', 'version = 3\n');
    const before = snapshot(host.root);
    await runCommand(install, [], host.settings());
    const { code, stdout } = await runCommand(uninstall, [], host.settings());
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe(`removed  /${VERIFIER}`);
    expect(withoutLock(snapshot(host.root))).toEqual(before);
    const again = await runCommand(uninstall, [], host.settings());
    expect(again).toEqual({ code: 0, stdout: 'nothing to remove\n', stderr: '' });
  });

  it('says as JSON what it left because others changed it', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    writeFileSync(host.at(POLICY), policyNamed('others'));
    const { stdout } = await runCommand(uninstall, ['--output', 'json'], host.settings());
    const { removed, left } = JSON.parse(stdout) as { removed: string[]; left: { path: string }[] };
    expect(removed).toContain(`/${VERIFIER}`);
    expect(left.map(({ path }) => path)).toEqual([`/${POLICY}`]);
    expect(existsSync(host.at(POLICY))).toBe(true);
  });
});

describe.runIf(IS_ROOT)('uninstall of what is beside the installation', () => {
  const FILE = 'run/nodeseal/break-glass.json';
  const breakIt = (host: AgentHost) =>
    runCommand(breakGlass, ['--for', '1h', '--reason', 'r'.repeat(300), '--by', 'alice'], {
      NODESEAL_HOST_ROOT: host.root,
    });

  it('removes the verifier from where it was put, whatever is set now', async () => {
    const host = new AgentHost();
    const before = snapshot(host.root);
    await runCommand(install, [], { ...host.settings(), NODESEAL_BIN_DIR: '/srv/verifiers' });
    expect(existsSync(host.at('srv/verifiers/nodeseal-verifier'))).toBe(true);
    const elsewhere = { ...host.settings(), NODESEAL_BIN_DIR: '/other' };
    const { stdout } = await runCommand(uninstall, [], elsewhere);
    expect(stdout.split('\n')[0]).toBe('removed  /srv/verifiers/nodeseal-verifier');
    expect(withoutLock(snapshot(host.root))).toEqual(before);
  });

  it('removes the break-glass file of our command, and tells it', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    await breakIt(host);
    const planned = await runCommand(uninstall, ['--dry-run'], host.settings());
    expect(planned.stdout).toContain(`would remove  /${FILE}\n`);
    expect(existsSync(host.at(FILE))).toBe(true);
    const { stdout } = await runCommand(uninstall, [], host.settings());
    expect(stdout).toContain(`removed  /${FILE}\n`);
    expect(existsSync(host.at(FILE))).toBe(false);
  });

  it.each([
    ['written by hand', '{"until": "2026-01-02T03:04:05Z", "reason": "r", "by": "b"}'],
    ['that is no break-glass', 'text'],
  ])('leaves one %s', async (_, text) => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    put(host.root, FILE, text);
    const { stdout } = await runCommand(uninstall, [], host.settings());
    expect(stdout).toContain(`left     /${FILE}: not installed by nodeseal\n`);
    expect(readFileSync(host.at(FILE), 'utf8')).toBe(text);
  });

  it('leaves it beside a verifier that stays', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    writeFileSync(host.at(VERIFIER), 'theirs');
    await breakIt(host);
    const { stdout } = await runCommand(uninstall, [], host.settings());
    expect(stdout).toContain(`left     /${VERIFIER}: changed by others\n`);
    expect(existsSync(host.at(FILE))).toBe(true);
  });

  it('tells of a Node object that it cannot reach, and is done all the same', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    const settings = { ...host.settings(), NODESEAL_NODE_NAME: 'node-1' };
    const { code, stderr } = await runCommand(uninstall, [], settings);
    expect(code).toBe(0);
    expect(stderr).toContain('kubernetes_failed');
    expect(existsSync(host.at(VERIFIER))).toBe(false);
    const json = await runCommand(uninstall, ['--output', 'json'], settings);
    expect(JSON.parse(json.stdout)).toMatchObject({ node: { node: 'node-1', isCleared: false } });
  });
});

describe.runIf(IS_ROOT)('uninstall on a live node', () => {
  const serve = async (host: AgentHost): Promise<Server> => {
    mkdirSync(host.at('run/nodeseal'), { recursive: true });
    const server = createServer().listen(host.at('run/nodeseal/agent.sock'));
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return server;
  };

  it('refuses while the agent runs, which would put everything back', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    await serve(host);
    const before = snapshot(host.root);
    const uninstalling = runCommand(uninstall, ['--wait', '1s'], host.settings());
    const error = await expectCodeAsync(uninstalling, 'agent_running');
    expect(error.message).toContain('DaemonSet');
    expect(snapshot(host.root)).toEqual(before);
  });

  it('waits for the agent that is stopping, and for another installation', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    const server = await serve(host);
    const lock = await takeHostLock(NODE_HOST_FS, host.root, '/run/nodeseal/install.lock');
    const uninstalling = runCommand(uninstall, [], host.settings());
    await once(server, 'connection');
    server.close();
    await once(server, 'close');
    lock.release();
    expect((await uninstalling).stdout).toContain(`removed  /${VERIFIER}\n`);
    expect(existsSync(host.at(VERIFIER))).toBe(false);
  });

  it('is not kept from it by the socket of an agent that was killed', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    const program = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    mkdirSync(host.at('run/nodeseal'), { recursive: true });
    const socket = host.at('run/nodeseal/agent.sock');
    await once(spawn(process.execPath, ['--eval', program, socket]), 'exit');
    expect(existsSync(socket)).toBe(true);
    const { stdout } = await runCommand(uninstall, ['--wait', '1s'], host.settings());
    expect(stdout).toContain(`removed  /${VERIFIER}\n`);
  });

  it('tells as a dry run what it would remove and leave, agent or not', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    writeFileSync(host.at(POLICY), '{}');
    await serve(host);
    const before = snapshot(host.root, true);
    const { stdout } = await runCommand(uninstall, ['--dry-run'], host.settings());
    expect(stdout.split('\n')[0]).toBe(`would remove  /${VERIFIER}`);
    expect(stdout).toContain(`would leave  /${POLICY}: changed by others\n`);
    const json = await runCommand(uninstall, ['--dry-run', '--output', 'json'], host.settings());
    expect(JSON.parse(json.stdout)).toMatchObject({
      dryRun: true,
      left: [{ path: `/${POLICY}`, reason: 'changed by others' }],
    });
    expect(snapshot(host.root, true)).toEqual(before);
  });

  it('tells of the ledger, and of directories that hold files of others', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    put(host.root, 'opt/nodeseal/plugins/theirs/notation-theirs', 'theirs');
    put(host.root, 'var/lib/nodeseal/ledger.sqlite', 'ours');
    const { stdout } = await runCommand(uninstall, [], host.settings());
    expect(stdout).toContain('left     /opt/nodeseal: holds files of others\n');
    expect(stdout).toContain('left     /var/lib/nodeseal: the record of this node\n');
    expect(existsSync(host.at('opt/nodeseal/plugins/theirs/notation-theirs'))).toBe(true);
  });
});

describe('the request to install', () => {
  const requestOf = async (settings: Record<string, string>) => {
    const config = parseConfig(settings);
    const { binDirs } = await findBinDirs(config, new AbortController().signal);
    return installRequest(config, hostOf(config, binDirs));
  };

  it('has policy and trust only where a source is set', async () => {
    const host = new AgentHost();
    const all = host.settings();
    const both = await requestOf(all);
    expect(Buffer.from(both.policyBytes ?? [])).toEqual(Buffer.from(policyNamed('first')));
    expect(both.trustFiles?.map(({ path }) => path)).toEqual(['x509/ca/acme/root.pem']);
    put(host.root, POLICY, Buffer.from(policyNamed('own')).toString());
    const trustOnly = await requestOf({ ...all, NODESEAL_POLICY_SOURCE: '' });
    expect(trustOnly.policyBytes).toBeUndefined();
    expect(trustOnly.trustFiles).toHaveLength(1);
  });

  it('is in the bin_dir and with the socket that the settings name', async () => {
    const settings = { NODESEAL_BIN_DIR: '/custom/bin', NODESEAL_AGENT_SOCKET: '/run/own.sock' };
    const { layout } = await requestOf({ ...new AgentHost().settings(), ...settings });
    expect(layout).toMatchObject({
      verifierFile: '/custom/bin/nodeseal-verifier',
      socket: '/run/own.sock',
    });
  });

  it('gives the CA of registries to the verifier, or says that it cannot be read', async () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    const settings = { ...new AgentHost().settings(), NODESEAL_REGISTRY_CA: file };
    const error = await expectCodeAsync(requestOf(settings), 'setting_invalid');
    expect(error.message).toContain(file);
    writeFileSync(file, 'the CA');
    expect((await requestOf(settings)).settings).toMatchObject({ registryCa: 'the CA' });
    rmSync(file);
  });
});

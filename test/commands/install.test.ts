import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostOf, installRequest } from '../../agent/commands/host-install.ts';
import { install } from '../../agent/commands/install.ts';
import { uninstall } from '../../agent/commands/uninstall.ts';
import { parseConfig } from '../../agent/config.ts';
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
    expect(again).toEqual({ code: 0, stdout: 'nothing to change\n', stderr: '' });
    expect(withoutLock(snapshot(host.root, true))).toEqual(before);
  });

  it('says what it did as JSON', async () => {
    const host = new AgentHost();
    const first = await runCommand(install, ['--output', 'json'], host.settings());
    const { changed, left } = JSON.parse(first.stdout) as { changed: string[]; left: string[] };
    expect(changed).toContain(`/${VERIFIER}`);
    expect(left).toEqual([]);
    const again = await runCommand(install, ['--output', 'json'], host.settings());
    expect(JSON.parse(again.stdout)).toEqual({ changed: [], left: [] });
  });

  it('tells the verifier what the settings say', async () => {
    const host = new AgentHost();
    const settings = {
      NODESEAL_AGENT_SOCKET: '/run/x.sock',
      NODESEAL_REGISTRY_PLAIN_HTTP: 'reg:5000',
      NODESEAL_PLUGIN_DIR: '/opt/plugins',
    };
    await runCommand(install, [], { ...host.settings(), ...settings });
    const text = readFileSync(host.at('opt/nodeseal/verifier.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      agentSocket: '/run/x.sock',
      plainHttp: ['reg:5000'],
      policyFile: `/${POLICY}`,
      pluginDir: '/opt/plugins',
      crlCacheDir: '/var/lib/nodeseal/crl',
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

describe('the request to install', () => {
  const requestOf = (settings: Record<string, string>) => {
    const config = parseConfig(settings);
    return installRequest(config, hostOf(config));
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

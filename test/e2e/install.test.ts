// Installing on a real node while it pulls: upgraded again and again, killed, touched by others, and taken off.
// TEST_UPGRADES says how many upgrades there are; default 30, in the long mode 200.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { installOnHost, uninstallFromHost } from '../../agent/node/host/install.ts';
import { type KilledRun, requestOf } from '../support/killed-installer.ts';
import {
  AGENT_BINDS,
  nodeseal,
  type NodeAgent,
  SOURCE,
  startNodeAgent,
} from '../support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { createSigningKey, writeTruststore } from '../support/node-signatures.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const UPGRADES = Number(process.env['TEST_UPGRADES'] ?? 30);
const PULLS_PER_SECOND = 8;
const VERIFIER = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const POLICY = '/etc/containerd/notation-policy.json';
const STORES = '/etc/containerd/notation/truststore';
/** Whoever has a certificate of the trust store `ca:acme`. */
const TRUSTING_ALL = documentOf([statement({ registryScopes: ['*'], trustedIdentities: ['*'] })]);
const INSTALLER = fileURLToPath(new URL('../support/killed-installer.ts', import.meta.url));
/** Some at the beginning, in the middle and near the end of what an installation does. */
const KILLS = [2, 7, 12, 17, 22, 25, 27];

describeOnNode('installing on a node that pulls', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let directory: string;
  let image: PushedImage;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    directory = await mkdtemp(join(tmpdir(), 'nodeseal-host-'));
    const stop = async (): Promise<void> => {
      await node.stop();
      await rm(directory, { recursive: true });
    };
    try {
      registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      image = await pushImage(registry, 'app');
    } catch (error) {
      await stop();
      throw error;
    }
    return async () => {
      client.close();
      await stop();
    };
  });

  const runOf = async (verifier: string | Uint8Array, name: string): Promise<KilledRun> => {
    const verifierPath = join(directory, 'nodeseal-verifier');
    await writeFile(verifierPath, verifier);
    const trust = { [`x509/ca/${name}/root.crt`]: name };
    const install = { verifierPath, settings: { name }, policy: name, trust };
    return { killAt: 0, hostRoot: node.root, install };
  };

  /** Why the pull was refused, or `allowed`. */
  const pull = async (): Promise<string> => {
    try {
      await pullImage(client, image.tagged);
      return 'allowed';
    } catch (error) {
      return String(error);
    }
  };

  it(
    `fails no pull of ${PULLS_PER_SECOND} a second in ${UPGRADES} upgrades`,
    async () => {
      // First a program of the machine, for the kernel's "text file busy", then scripts, which run for a while.
      // Not in turns: the shell opens its script by name, and may be handed what has replaced it.
      const program = await readFile(node.path('/usr/bin/true'));
      const verifier = (version: number): Uint8Array =>
        version < UPGRADES / 2
          ? Buffer.concat([program, Buffer.from(` ${version}`)])
          : Buffer.from(`#!/bin/sh\nsleep 0.1 # ${version}\n`);
      await installOnHost(requestOf(await runOf(verifier(-1), 'app')));
      const refused: string[] = [];
      const pulls: Promise<unknown>[] = [];
      const stop = new AbortController();
      const pulling = (async () => {
        while (!stop.signal.aborted) {
          pulls.push(pull().then((end) => end === 'allowed' || refused.push(end)));
          await delay(1000 / PULLS_PER_SECOND);
        }
      })();
      const started = performance.now();
      for (let version = 0; version < UPGRADES; version++) {
        const run = await runOf(verifier(version), 'app');
        expect((await installOnHost(requestOf(run))).changed).toEqual([VERIFIER]);
      }
      const seconds = (performance.now() - started) / 1000;
      stop.abort();
      await pulling;
      await Promise.all(pulls);
      // By containerd's own log: what comes of it over the socket can be without a text.
      const log = ['journalctl', '-u', 'containerd', '-o', 'cat', '-g', 'failed|blocked|judgement'];
      const why = refused.length === 0 ? '' : await node.output([...log, '-n', '20']);
      expect(refused, why).toEqual([]);
      // A timer may be late, on a busy machine by half.
      expect(pulls.length).toBeGreaterThan((seconds * PULLS_PER_SECOND) / 2);
      await uninstallFromHost({ hostRoot: node.root });
    },
    30_000 + UPGRADES * 2_000,
  );

  it('judges pulls as before or as after when the installer is killed, never otherwise', async () => {
    const killed = async (run: KilledRun): Promise<void> => {
      const args = ['--disable-warning=ExperimentalWarning', INSTALLER];
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
      child.stdin.end(JSON.stringify(run));
      expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    };
    const refusal = /nodeseal-verifier rejected image \(exit code 1\): (old|new)/;
    const judged = async (): Promise<string> => {
      const end = await pull();
      return end === 'allowed' ? end : (refusal.exec(end)?.[1] ?? end);
    };
    const old = await runOf('#!/bin/sh\necho old; exit 1\n', 'old');
    for (const killAt of KILLS) {
      await runOf('#!/bin/sh\necho old; exit 1\n', 'old');
      await installOnHost(requestOf(old));
      expect(await judged()).toBe('old');
      const next = { ...(await runOf('#!/bin/sh\necho new; exit 1\n', 'new')), killAt };
      await killed(next);
      expect(['old', 'new']).toContain(await judged());
      await installOnHost(requestOf(next));
      expect(await judged()).toBe('new');
    }
    for (const killAt of [1, 2, 5, 8]) {
      await installOnHost(requestOf(await runOf('#!/bin/sh\necho new; exit 1\n', 'new')));
      await killed({ killAt, hostRoot: node.root });
      expect(await judged()).toBe(killAt === 1 ? 'new' : 'allowed');
      await uninstallFromHost({ hostRoot: node.root });
      expect(await judged()).toBe('allowed');
    }
  });

  it('puts back within seconds what others do to it, stays when the agent ends, and goes once asked', async () => {
    const key = await createSigningKey(node, 'acme', 'p-256');
    await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
    await node.writeFile(`${SOURCE}/policy.json`, TRUSTING_ALL);
    const agent = await startNodeAgent(node, { NODESEAL_REGISTRY_PLAIN_HTTP: registry.host });
    await expectDrift(agent, 'verifier', 'attributes', ['chmod', '0644', VERIFIER]);
    await expectDrift(agent, 'verifier', 'removed', ['rm', '-r', '/opt/containerd']);
    await expectDrift(agent, 'verifier', 'replaced', ['ln', '-sf', '/usr/bin/true', VERIFIER]);
    await expectDrift(agent, 'settings', 'changed', [
      'sh',
      '-c',
      'echo {} >/opt/nodeseal/verifier.json',
    ]);
    await expectDrift(agent, 'directory', 'attributes', ['chmod', '0777', '/opt/nodeseal']);
    await node.output(['mount', '--bind', '/usr/bin/true', VERIFIER]);
    const shadowed = { place: 'verifier', kind: 'shadowed' };
    await agent.until(
      'the mount to be counted',
      async () => (await agent.value('nodeseal_host_drift_total', shadowed)) === 1,
    );
    await agent.until('the agent not to be ready', async () => {
      const response = await fetch(`${agent.url}/readyz`);
      return !response.ok && (await response.text()).includes('unmount it');
    });
    await node.output(['umount', VERIFIER]);
    await agent.until('the agent to be ready', async () => (await fetch(`${agent.url}/readyz`)).ok);

    const early = await nodeseal(node, 'uninstall', '--wait', '1s');
    expect(early.code).toBe(2);
    expect(early.stderr).toContain('agent_running');
    await agent.stop();
    expect(await pull()).toContain('signature_missing');
    // A pod that is replaced by the next.
    const next = await startNodeAgent(node, { NODESEAL_REGISTRY_PLAIN_HTTP: registry.host });
    const leaving = nodeseal(node, 'uninstall');
    await next.stop();
    const { code, stdout } = await leaving;
    expect(code).toBe(0);
    expect(stdout).toContain(`removed  ${VERIFIER}\n`);
    expect(stdout).toContain('left     /var/lib/nodeseal: the record of this node\n');
    expect(await pull()).toBe('allowed');
  });

  it('keeps another verifier that is there, tells of it, and leaves it when it goes', async () => {
    const theirs = '/opt/containerd/image-verifier/bin/theirs';
    await node.writeFile(theirs, '#!/bin/sh\nexit 0\n', 0o755);
    const key = await createSigningKey(node, 'theirs', 'p-256');
    await writeTruststore(node, 'acme', [key], STORES);
    await node.writeFile(POLICY, TRUSTING_ALL);
    const { code, stderr } = await nodeseal(node, 'install');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('warning  other_verifier: ');
    expect((await nodeseal(node, 'uninstall')).code).toBe(0);
    expect(await node.output(['cat', theirs])).toBe('#!/bin/sh\nexit 0\n');
  });

  const expectDrift = async (
    agent: NodeAgent,
    place: string,
    kind: string,
    command: readonly string[],
  ): Promise<void> => {
    await node.output(command);
    await agent.until(
      `${place} to be found ${kind}`,
      async () => (await agent.value('nodeseal_host_drift_total', { place, kind })) === 1,
    );
    await agent.until('it to be put back', async () =>
      (await pull()).includes('signature_missing'),
    );
  };
});

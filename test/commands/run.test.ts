// The agent as a whole: a process of its own on a host that is a directory, with a stand-in for containerd.
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentHost, IS_ROOT, policyNamed, VERIFIER } from '../support/agent-host.ts';
import { parseExposition } from '../support/exposition.ts';
import { FakeContainerd } from '../support/fake-containerd.ts';
import { nodeseal, startNodeseal } from '../support/front-door.ts';
import { containerdFields, exportEntry } from '../support/journal.ts';
import { LogLines } from '../support/log-lines.ts';
import { startTestRegistry } from '../support/registry.ts';

const SERVICE = 'containerd.services.images.v1.Images';
const BOOTED =
  'time="2026-01-01T00:00:00Z" level=info msg="containerd successfully booted in 0.024s"';
const SOCKET = 'run/nodeseal/agent.sock';
const STOP_MS = 2000;

/** A host with a journal of one entry, and containerd with one image that nobody signed. */
async function openNode() {
  const host = new AgentHost();
  const registry = await startTestRegistry();
  onTestFinished(() => registry.close());
  const target = registry.pushImage('team/app', '1');
  mkdirSync(host.at('run/containerd'), { recursive: true });
  const containerd = new FakeContainerd(host.at('run/containerd'));
  await containerd.start();
  onTestFinished(() => containerd.stop());
  const before = { seconds: '1700000000', nanos: 0 };
  const times = { createdAt: before, updatedAt: before };
  const image = { name: `${registry.host}/team/app:1`, labels: {}, target, ...times };
  containerd.answer(SERVICE, 'List', () => ({ images: [image] }));
  const boot = (n: number) => {
    appendFileSync(host.at('journal'), exportEntry(containerdFields(n, BOOTED)));
  };
  boot(1);
  const journalctl = host.at('journalctl');
  writeFileSync(journalctl, `#!/bin/sh\ncat ${host.at('journal')}\nexec sleep 60\n`, {
    mode: 0o755,
  });
  return {
    host,
    containerd,
    boot,
    settings: { ...host.settings(), NODESEAL_JOURNALCTL: journalctl },
  };
}

/** Starts the agent and waits until it runs. */
async function start(settings: Readonly<Record<string, string>>) {
  const child = startNodeseal(['run'], settings);
  const log = new LogLines();
  createInterface({ input: child.stdout }).on('line', log.write);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const early = exited.then(([code]) => Promise.reject(new Error(`ended with ${code}: ${stderr}`)));
  const { port } = await Promise.race([log.until('running'), early]);
  early.catch(() => undefined);
  const url = `http://127.0.0.1:${Number(port)}`;
  const get = async (path: string) => {
    const response = await fetch(url + path, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.text() };
  };
  const value = async (name: string, labels = {}) =>
    parseExposition((await get('/metrics')).body).samples.find(
      (sample) =>
        sample.name === `nodeseal_${name}` &&
        Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    )?.value;
  return { child, log, port: Number(port), exited, get, value };
}

describe.runIf(IS_ROOT)('the agent', () => {
  it('installs, follows, re-verifies, answers, and stops when it is told to', async () => {
    const { host, settings } = await openNode();
    const { child, log, exited, get, value } = await start(settings);
    const refused = await log.until('an image on this node would be refused');
    expect(refused).toMatchObject({ decision: 'deny', reason: 'signature_missing' });
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    expect(statSync(host.at(SOCKET)).mode & 0o777).toBe(0o600);
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ready\n' });
    expect(await get('/')).toMatchObject({ status: 200 });
    expect(await value('images', { state: 'failed', cause: 'present-before-install' })).toBe(1);
    expect(await value('policy_valid')).toBe(1);
    const disagreement = { kind: 'let_in', cause: 'not_pulled' };
    expect(await value('disagreements_total', disagreement)).toBe(1);
    await log.until('disagreement: deny');
    const told = log.lines.filter((line) => line['log'] === 'audit');
    expect(told).toMatchObject([
      { id: 1, kind: 'reverification', decision: 'deny', reason: 'signature_missing' },
      { id: 2, kind: 'disagreement', cause: 'not_pulled', before: null },
    ]);
    const beside = await nodeseal(['audit', '--output', 'json'], settings);
    expect(beside).toMatchObject({ code: 0, stderr: '' });
    const listed = beside.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object);
    expect(told).toMatchObject(listed);
    const started = performance.now();
    child.kill('SIGTERM');
    const [code] = await exited;
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan(STOP_MS);
    expect(log.lines.at(-1)?.msg).toBe('stopped');
    expect(existsSync(host.at(SOCKET))).toBe(false);
    // Goodbye is `uninstall`'s to say: an agent that restarts leaves the host protected.
    expect(existsSync(host.at(VERIFIER))).toBe(true);
  });

  it('goes on where it stopped, counting nothing twice', async () => {
    const { boot, settings } = await openNode();
    for (const boots of [1, 2]) {
      const { child, log, exited, value } = await start(settings);
      if (boots === 1) await log.until('an image on this node would be refused');
      const event = { event: 'containerd_booted' };
      const events = () => value('containerd_events_total', event);
      await expect.poll(events).toBe(boots);
      expect(await value('images', { state: 'failed', cause: 'present-before-install' })).toBe(1);
      expect(await value('verdicts_total', { source: 'reverification' })).toBe(1);
      child.kill('SIGINT');
      expect((await exited)[0]).toBe(0);
      boot(2);
    }
  });

  it('goes on when it cannot tell Kubernetes of its node', async () => {
    const { settings } = await openNode();
    const { child, log, exited, get, value } = await start({
      ...{ ...settings, NODESEAL_NODE_NAME: 'node-1', KUBERNETES_SERVICE_HOST: '127.0.0.1' },
      KUBERNETES_SERVICE_PORT: '1',
    });
    await log.until('an image on this node would be refused');
    const warning = await log.until('the node object is out of date: ');
    expect(warning).toMatchObject({ code: 'kubernetes_failed' });
    expect(await value('errors_total', { code: 'kubernetes_failed' })).toBeGreaterThan(0);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });

  it.each(['hide', 'show'])(
    'serves a page to whoever comes: NODESEAL_STATUS_DETAILS=%s',
    async (details) => {
      const { settings } = await openNode();
      const { child, log, exited, get } = await start({
        ...{ ...settings, NODESEAL_STATUS_DETAILS: details, NODESEAL_NODE_NAME: 'node-1' },
      });
      await log.until('an image on this node would be refused');
      const { status, body } = await get('/?state=failed&text=team');
      expect(status).toBe(200);
      expect(body).toContain('node-1');
      expect(body).toContain('Images on this node: 1');
      expect(body).toContain('1 certificate is trusted');
      expect(body.includes('team/app:1')).toBe(details === 'show');
      expect(body.includes('sha256:')).toBe(details === 'show');
      expect((await get('/?state=verified')).body).not.toContain('team/app:1');
      child.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
    },
  );

  it('lives without being ready while containerd and policy are missing', async () => {
    const { host, containerd, settings } = await openNode();
    await containerd.stop();
    host.policySource.swap({ 'policy.json': '{' });
    const { child, log, exited, get, value } = await start(settings);
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    const { status, body } = await get('/readyz');
    expect(status).toBe(503);
    expect(body).toContain('no trust policy is in force\n');
    expect(body).toContain('the images of containerd are not known yet\n');
    expect(await value('verifier_installed')).toBe(0);
    host.policySource.swap({ 'policy.json': policyNamed('good') });
    await log.until('policy and trust are in force');
    expect((await get('/readyz')).body).not.toContain('policy');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });

  it('ends at once at the second signal, though a client keeps it', async () => {
    const { containerd, settings } = await openNode();
    const subscriber = containerd.nextSubscriber();
    const { child, log, port, exited } = await start(settings);
    const { cancelled } = await subscriber;
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.on('error', () => undefined);
    await once(client, 'connect');
    await new Promise((resolve) => client.write('GET /metrics HTTP/1.1\r\n', resolve));
    child.kill('SIGTERM');
    await cancelled;
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(2);
    expect(log.with('stopped')).toEqual([]);
  });
});

// Uninstalling from every node of a cluster: what the DaemonSet is changed to, and what is said of nodes that are left.
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { uninstall } from '../../agent/commands/uninstall.ts';
import {
  daemonSetNamed,
  runDaemonSetUninstall,
  uninstallDaemonSet,
} from '../../agent/commands/uninstall-daemon-set.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand } from '../support/front-door.ts';
import { type DaemonSet, startDaemonSet } from '../support/kubernetes-daemon-set.ts';

const NAME = daemonSetNamed('security/nodeseal');
const MINUTE_MS = 60_000;

/** Uninstalls with a clock that each sleep moves on. */
async function uninstallAll({ api }: DaemonSet, waitMs = MINUTE_MS) {
  const lines: string[] = [];
  let nowMs = 0;
  const clock = {
    now: () => new Date(nowMs),
    sleep: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const { server, serviceAccountDir } = api;
  const what = { api: { server, serviceAccountDir }, name: NAME, waitMs, clock };
  const onProgress = (line: string) => void lines.push(line);
  const done = await uninstallDaemonSet({ ...what, onProgress }, new AbortController().signal);
  return { done, lines };
}

/** By the command; `waitMs` is of the real clock. */
async function runIt({ api }: DaemonSet, format: 'text' | 'json') {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { signal } = new AbortController();
  const context = { args: [], environment: api.environment, stdout, stderr, signal };
  const asked = { name: NAME, waitMs: 0, format };
  const code = await runDaemonSetUninstall(context, asked, api.serviceAccountDir);
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('uninstalling from every node', () => {
  it('has all pods uninstall at once and stay, and waits until the last is ready', async () => {
    const daemonSet = await startDaemonSet({ a: { readyAfter: 1 }, b: { readyAfter: 3 } });
    const { done, lines } = await uninstallAll(daemonSet);
    expect(done).toEqual({ nodes: 2, clean: 2, notReached: [], fault: null });
    expect(lines).toEqual([
      'the pods are asked to uninstall',
      '0 of 2 nodes are clean',
      '1 of 2 nodes are clean',
      '2 of 2 nodes are clean',
    ]);
    expect(daemonSet.patches).toEqual([
      {
        spec: {
          updateStrategy: {
            type: 'RollingUpdate',
            rollingUpdate: { maxUnavailable: '100%', maxSurge: 0 },
          },
          template: {
            spec: { containers: [{ name: 'nodeseal', args: ['uninstall', '--stay'] }] },
          },
        },
      },
    ]);
  });

  it('names the nodes that are not clean when the time is over, also those of pods without a place', async () => {
    const daemonSet = await startDaemonSet({
      ...{ clean: { readyAfter: 0 }, stuck: 'stuck', silent: 'old' },
      ...{ full: 'pending', lost: 'missing' },
    });
    const { done } = await uninstallAll(daemonSet);
    expect(done).toEqual({
      nodes: 5,
      clean: 1,
      notReached: ['full', 'silent', 'stuck'],
      fault: null,
    });
    // Two seconds apart, and no longer than it was told to.
    expect(daemonSet.looks).toBe(30);
  });

  it('goes on when the API server fails meanwhile, and does not take what it knew for the end', async () => {
    const daemonSet = await startDaemonSet({ a: { readyAfter: 4 } });
    const uninstalling = uninstallAll(daemonSet);
    await daemonSet.api.until(2);
    daemonSet.failures = 2;
    expect((await uninstalling).done).toMatchObject({ nodes: 1, clean: 1, fault: null });
  });

  it('says so when the API server fails to the end', async () => {
    const daemonSet = await startDaemonSet({ a: { readyAfter: 0 } });
    const uninstalling = uninstallAll(daemonSet);
    await daemonSet.api.until(2);
    daemonSet.failures = 1000;
    const { done } = await uninstalling;
    expect(done.fault?.code).toBe('kubernetes_failed');
    expect(done.fault?.message).toContain('etcd has no leader');
  });

  it('changes no DaemonSet that is not the agent’s', async () => {
    const daemonSet = await startDaemonSet({ a: { readyAfter: 0 } }, 'kube-proxy');
    const error = await expectCodeAsync(uninstallAll(daemonSet), 'kubernetes_failed');
    expect(error.message).toContain('expected a container named nodeseal');
    expect(daemonSet.patches).toEqual([]);
  });

  it('fails where there is no such DaemonSet', async () => {
    const { api } = await startDaemonSet({});
    const { server, serviceAccountDir } = api;
    const clock = { now: () => new Date(0), sleep: () => Promise.resolve() };
    const name = daemonSetNamed('security/other');
    const what = { api: { server, serviceAccountDir }, name, waitMs: 0, clock };
    const uninstalling = uninstallDaemonSet(
      { ...what, onProgress: () => undefined },
      new AbortController().signal,
    );
    const error = await expectCodeAsync(uninstalling, 'kubernetes_failed');
    expect(error.message).toContain('expected 200, found 404');
  });
});

describe('the command', () => {
  it('ends with 1 and names the nodes, as text and as JSON', async () => {
    const daemonSet = await startDaemonSet({ a: 'stuck', b: 'missing' });
    const { code, stdout, stderr } = await runIt(daemonSet, 'text');
    expect(code).toBe(1);
    expect(stdout).toBe('the pods are asked to uninstall\n');
    expect(stderr.split('\n')).toEqual([
      'not clean  a',
      'not clean  1 more, which have no pod yet',
      'run it again once they answer: what is clean stays so',
      '',
    ]);
    const json = await runIt(daemonSet, 'json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toEqual({
      ...{ nodes: 2, clean: 0, notReached: ['a'], fault: null },
    });
  });

  it('has nothing to wait for where there is no node', async () => {
    const { done } = await uninstallAll(await startDaemonSet({}));
    expect(done).toEqual({ nodes: 0, clean: 0, notReached: [], fault: null });
  });

  it.each([
    [['--daemonset', 'nodeseal'], '--daemonset: expected NAMESPACE/NAME, found "nodeseal"'],
    [['--daemonset', 'a/../b'], '--daemonset: expected NAMESPACE/NAME'],
    [['--daemonset', 'a/b', '--dry-run'], 'expected at most one of --dry-run, --stay'],
    [['--daemonset', 'a/b', '--stay'], 'expected at most one of --dry-run, --stay'],
    [['--stay', '--dry-run'], 'expected at most one of --dry-run, --stay'],
  ])('refuses %j', async (args, message) => {
    const error = await expectCodeAsync(runCommand(uninstall, args), 'argument_invalid');
    expect(error.message).toContain(message);
  });

  it('fails outside a pod', async () => {
    const uninstalling = runCommand(uninstall, ['--daemonset', 'a/b']);
    await expectCodeAsync(uninstalling, 'kubernetes_failed');
  });
});

// Reports to an API server on loopback that behaves, and to one that does not.
import { rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EnforcementReport } from '../../../agent/node/kubernetes/enforcement-report.ts';
import { reportEnforcement } from '../../../agent/node/kubernetes/report-enforcement.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { startKubernetesApi, statusOf } from '../../support/kubernetes-api.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';

const ENFORCING: EnforcementReport = { state: 'enforcing', causes: [], provedAt: new Date(0) };
const UNKNOWN: EnforcementReport = { state: 'unknown', causes: [], provedAt: null };
const TYPE = 'NodesealEnforcing';
const MEBIBYTE = 1024 * 1024;
const at = (minute: number) => new Date(Date.UTC(2026, 7, 22, 10, minute));

async function open(nodeName = 'node-1') {
  const api = await startKubernetesApi(nodeName);
  const { server, serviceAccountDir } = api;
  const report = (
    told = ENFORCING,
    now = at(0),
    timeoutMs = 10_000,
    signal = new AbortController().signal,
  ) => reportEnforcement({ server, serviceAccountDir, timeoutMs }, nodeName, told, now, signal);
  return { api, report };
}

describe('a report to Kubernetes', () => {
  it('sets label and condition and leaves all others', async () => {
    const { api, report } = await open();
    await report();
    expect(api.labels).toEqual({
      'kubernetes.io/os': 'linux',
      'nodeseal.io/enforcement': 'enforcing',
    });
    expect([...api.conditions.keys()]).toEqual(['Ready', TYPE]);
    expect(api.seen.map(({ method, path, type }) => [method, path, type])).toEqual([
      ['PATCH', '/api/v1/nodes/node-1', 'application/merge-patch+json'],
      ['PATCH', '/api/v1/nodes/node-1/status', 'application/strategic-merge-patch+json'],
    ]);
  });

  it('moves the time of the last transition only when the status changes', async () => {
    const { api, report } = await open();
    const times = () => {
      const condition = api.conditions.get(TYPE);
      const fields = ['lastTransitionTime', 'lastHeartbeatTime'];
      return fields.map((field) => condition?.[field]?.slice(14, 16));
    };
    await report(ENFORCING, at(0));
    await report(ENFORCING, at(5));
    expect(times()).toEqual(['00', '05']);
    await report(UNKNOWN, at(10));
    expect(times()).toEqual(['10', '10']);
    await report(UNKNOWN, at(15));
    expect(times()).toEqual(['10', '15']);
  });

  it('reads token and CA anew each time', async () => {
    const { api, report } = await open();
    await report();
    api.rotate('second-token');
    await report();
    expect(new Set(api.seen.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer first-token', 'Bearer second-token']),
    );
    api.put('ca.crt', mintServerCertificate('other').ca);
    await expectCodeAsync(report(), 'kubernetes_failed');
  });

  it('gives no token to a server of another CA', async () => {
    const { api, report } = await open();
    api.put('ca.crt', mintServerCertificate('other').ca);
    const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
    expect(message).toContain('certificate');
    expect(api.seen).toEqual([]);
  });

  it('trusts nobody where the CA is empty', async () => {
    const { api, report } = await open();
    api.put('ca.crt', '');
    const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
    expect(message).toContain('ca.crt: expected a certificate');
    expect(api.seen).toEqual([]);
  });

  it('fails without a good token, and does not tell it', async () => {
    const { api, report } = await open();
    api.put('token', 'stolen-token');
    const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
    expect(message).toContain('401');
    expect(message).not.toContain('stolen');
    expect(api.labels).not.toHaveProperty(['nodeseal.io/enforcement']);
  });

  it.each(['token', 'ca.crt'])('fails without %s, which a pod may not have', async (name) => {
    const { api, report } = await open();
    rmSync(join(api.serviceAccountDir, name));
    const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
    expect(message).toContain(name);
    expect(api.seen).toEqual([]);
  });

  it.each([401, 403, 404, 409, 500, 302])('fails when the answer is %i', async (status) => {
    for (const path of ['/api/v1/nodes/node-1', '/api/v1/nodes/node-1/status']) {
      const { api, report } = await open();
      api.intercept = (seen, response) => {
        if (seen.path !== path) return false;
        const [code, body] = statusOf(status, 'so it is');
        response.writeHead(code, { location: '/elsewhere' }).end(JSON.stringify(body));
        return true;
      };
      const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
      expect(message).toContain(`found ${status}: "so it is"`);
      expect(api.seen.at(-1)?.path).toBe(path);
    }
  });

  it.each<[string, string, (response: ServerResponse) => unknown]>([
    ['never answers', 'not done within', () => undefined],
    ['never ends', 'not done within', (response) => response.writeHead(200).write('{')],
    ['hangs up', 'API server', (response) => response.destroy()],
    [
      'breaks off',
      'API server',
      (response) => response.writeHead(200).write('{', () => response.destroy()),
    ],
    ['speaks no JSON', 'expected a Node', (response) => response.end('<html>')],
    ['says too much', 'more than', (response) => response.end(' '.repeat(16 * MEBIBYTE + 1))],
  ])('fails when the API server %s', async (_, text, answer) => {
    const { api, report } = await open();
    api.intercept = (_seen, response) => {
      answer(response);
      return true;
    };
    const timeoutMs = text.startsWith('not done') ? 300 : 10_000;
    const error = await expectCodeAsync(report(ENFORCING, at(0), timeoutMs), 'kubernetes_failed');
    expect(error.message).toContain(text);
  });

  it('takes a node that is as large as one may be', async () => {
    const { api, report } = await open();
    api.intercept = (_, response) => {
      const node = JSON.stringify(api.node());
      response.end(node.padEnd(4 * MEBIBYTE));
      return true;
    };
    await report();
    expect(api.seen).toHaveLength(2);
  });

  it('fails when nobody listens', async () => {
    const { api, report } = await open();
    await api.close();
    const { message } = await expectCodeAsync(report(), 'kubernetes_failed');
    expect(message).toContain('ECONNREFUSED');
  });

  it('ends at once when it is told to', async () => {
    const { api, report } = await open();
    const stop = new AbortController();
    api.intercept = () => {
      stop.abort(new Error('told to'));
      return true;
    };
    const reported = report(ENFORCING, at(0), 10_000, stop.signal);
    const { message } = await expectCodeAsync(reported, 'kubernetes_failed');
    expect(message).toContain('told to');
  });
});

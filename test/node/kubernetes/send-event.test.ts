// How an Event is made once and counted on, and which answers are worth another try.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { EventSeries } from '../../../agent/node/kubernetes/event.ts';
import { listWaiting } from '../../../agent/node/kubernetes/list-waiting.ts';
import { sendEvent } from '../../../agent/node/kubernetes/send-event.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { type SeenPatch, startKubernetesApi, statusOf } from '../../support/kubernetes-api.ts';

const SERIES: EventSeries = {
  subject: { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u1', fieldPath: '' },
  ...{ type: 'Warning', reason: 'ImageRefused', message: 'no signature', about: 'app:1', count: 2 },
  firstAt: new Date('2026-08-22T10:00:00Z'),
  lastAt: new Date('2026-08-22T10:00:30Z'),
};

type Answer = (seen: SeenPatch, body: string) => [number, object, Record<string, string>?];

async function open(answer: Answer) {
  const api = await startKubernetesApi('n1');
  const bodies: unknown[] = [];
  api.intercept = (seen, response: ServerResponse, body) => {
    bodies.push(body === '' ? '' : JSON.parse(body));
    const [status, value, headers = {}] = answer(seen, body);
    response.writeHead(status, headers).end(JSON.stringify(value));
    return true;
  };
  const access = { server: api.server, serviceAccountDir: api.serviceAccountDir };
  const signal = new AbortController().signal;
  const send = (series = SERIES) => sendEvent(access, 'n1', series, signal);
  const list = () => listWaiting(access, 'n1', 'pending', signal);
  const asked = () => api.seen.map(({ method }) => method);
  return { api, bodies, send, list, asked };
}

describe('an Event', () => {
  it('that is not there yet is made', async () => {
    const { send, asked, bodies } = await open(({ method }) =>
      method === 'POST' ? [201, { kind: 'Event' }] : statusOf(404, 'not found'),
    );
    expect(await send()).toEqual({ kind: 'sent' });
    expect(asked()).toEqual(['PATCH', 'POST']);
    expect(bodies[1]).toMatchObject({ kind: 'Event', count: 2 });
  });

  it('that is there is counted on', async () => {
    const { send, asked, bodies } = await open(() => [200, { kind: 'Event', count: 5 }]);
    expect(await send()).toEqual({ kind: 'sent' });
    expect(asked()).toEqual(['PATCH', 'PATCH']);
    expect(bodies).toEqual([
      { message: 'no signature', lastTimestamp: '2026-08-22T10:00:30Z' },
      { count: 7 },
    ]);
  });

  it('on what cannot be is not even asked for', async () => {
    const { send, asked } = await open(() => [200, {}]);
    const subject = { ...SERIES.subject, namespace: '../kube-system' };
    expect(await send({ ...SERIES, subject })).toMatchObject({ kind: 'refused' });
    expect(asked()).toEqual([]);
  });

  it.each([401, 408, 409, 429, 500, 503])('that is answered %i may be told later', async (code) => {
    const { send } = await open(() => statusOf(code, 'not now'));
    expect(await send()).toMatchObject({ kind: 'later', afterMs: 0 });
  });

  it('waits as long as it is told to', async () => {
    const { send } = await open(() => [...statusOf(429, 'too many'), { 'retry-after': '7' }]);
    expect(await send()).toMatchObject({ kind: 'later', afterMs: 7000 });
  });

  it.each([400, 403, 422])('that is answered %i is never taken', async (code) => {
    const { send } = await open(() => statusOf(code, 'no'));
    const sent = await send();
    expect(sent).toMatchObject({ kind: 'refused', error: { code: 'kubernetes_failed' } });
  });

  it('may be told later when the connection breaks', async () => {
    const { send, api } = await open(() => [200, {}]);
    api.intercept = (_, response) => {
      response.destroy();
      return true;
    };
    expect(await send()).toMatchObject({ kind: 'later', error: { code: 'kubernetes_failed' } });
  });
});

describe('a list that expires while it is read', () => {
  const page = (next: string) => ({ kind: 'PodList', metadata: { continue: next }, items: [] });

  it('is read anew', async () => {
    let pages = 0;
    const { list, asked } = await open(() => {
      pages += 1;
      if (pages === 2) return statusOf(410, 'expired');
      return [200, page(pages === 1 ? 'more' : '')];
    });
    expect(await list()).toEqual([]);
    expect(asked()).toHaveLength(3);
  });

  it('again and again is given up', async () => {
    const { list } = await open(() => statusOf(410, 'expired'));
    await expectCodeAsync(list(), 'kubernetes_failed');
  });
});

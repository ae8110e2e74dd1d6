// What made the pods of a node, as an API server tells it, and as it does not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listPodControllers } from '../../../agent/node/kubernetes/list-pods.ts';
import { parsePodPage } from '../../../agent/node/kubernetes/pods.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import { startKubernetesApi, statusOf } from '../../support/kubernetes-api.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

function parse(value: unknown, status = 200) {
  return parsePodPage({ status, body: Buffer.from(JSON.stringify(value)) });
}

const owner = (change: object = {}) => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-7d9', controller: true },
  ...change,
});
const pod = (uid: string, ...ownerReferences: readonly unknown[]) => ({
  metadata: { uid, name: `pod-${uid}`, ownerReferences },
});

describe('a list of pods', () => {
  it('tells what made each', () => {
    const items = [
      pod('u1', owner({ controller: false, name: 'other' }), owner()),
      pod('u2'),
      { metadata: { uid: 'u3' } },
    ];
    const { controllers, next } = parse({ items, metadata: { continue: 'more' } });
    expect([...controllers]).toEqual([
      ['u1', { kind: 'ReplicaSet', name: 'cart-7d9' }],
      ['u2', null],
      ['u3', null],
    ]);
    expect(next).toBe('more');
    expect(parse({ items: [] })).toEqual({ controllers: new Map(), next: '' });
  });

  it('knows a static pod by what kubelet labels its containers with', () => {
    const { metadata } = pod('mirror', owner({ kind: 'Node', name: 'node-1' }));
    const annotations = { 'kubernetes.io/config.hash': 'static' };
    const { controllers } = parse({ items: [{ metadata: { ...metadata, annotations } }] });
    const made = { kind: 'Node', name: 'node-1' };
    expect(Object.fromEntries(controllers)).toEqual({ mirror: made, static: made });
  });

  it.each([
    ['a name that is too long', owner({ name: 'x'.repeat(254) })],
    ['no name', owner({ name: undefined })],
    ['a kind that is no text', owner({ kind: 7 })],
    ['no form', 'owner'],
  ])('tells none for an owner with %s', (_, broken) => {
    expect([...parse({ items: [pod('u1', broken)] }).controllers]).toEqual([['u1', null]]);
  });

  it('is none for another answer', () => {
    const [, forbidden] = statusOf(403, 'pods is forbidden');
    const error = expectCode(() => parse(forbidden, 403), 'kubernetes_failed');
    expect(error.message).toContain('expected 200, found 403: "pods is forbidden"');
    expectCode(() => parse({ kind: 'Pod' }), 'kubernetes_failed');
    expectCode(() => parse([]), 'kubernetes_failed');
  });

  it('never makes anything but a page or our error out of any JSON', () => {
    const metadata = fc.dictionary(
      fc.constantFrom('uid', 'ownerReferences', 'annotations'),
      fc.jsonValue(),
    );
    const items = fc.array(fc.record({ metadata })).map((list) => ({ items: list }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), items), (value) => {
        valueOrAgentError(() => parse(value));
      }),
    );
  });
});

describe('listing the pods of a node', () => {
  async function open(pages: readonly object[]) {
    const api = await startKubernetesApi('node-1');
    let asked = 0;
    api.intercept = (seen, response) => {
      response.end(JSON.stringify(pages[Math.min(asked, pages.length - 1)]));
      asked += 1;
      expect(seen.authorization).toBe('Bearer first-token');
      return true;
    };
    const { server, serviceAccountDir } = api;
    const list = () =>
      listPodControllers({ server, serviceAccountDir }, 'node-1', new AbortController().signal);
    return { api, list };
  }

  it('asks for metadata only, of this node, page after page', async () => {
    const { api, list } = await open([
      { items: [pod('u1', owner())], metadata: { continue: 'a/b+c' } },
      { items: [pod('u2')] },
    ]);
    expect([...(await list()).keys()]).toEqual(['u1', 'u2']);
    const urls = api.seen.map(({ path }) => new URL(path ?? '', 'https://kubernetes'));
    expect(urls.map(({ pathname }) => pathname)).toEqual(['/api/v1/pods', '/api/v1/pods']);
    expect(urls.map(({ searchParams }) => Object.fromEntries(searchParams))).toEqual([
      { fieldSelector: 'spec.nodeName=node-1', limit: '250', resourceVersion: '0' },
      { fieldSelector: 'spec.nodeName=node-1', limit: '250', continue: 'a/b+c' },
    ]);
    expect(api.seen.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  it('ends with a list that has no end', async () => {
    const { api, list } = await open([{ items: [], metadata: { continue: 'on' } }]);
    await expectCodeAsync(list(), 'kubernetes_failed');
    expect(api.seen).toHaveLength(8);
  });

  it('fails where it may not list', async () => {
    const { api, list } = await open([]);
    api.intercept = (_, response) => {
      const [code, body] = statusOf(403, 'pods is forbidden');
      response.writeHead(code).end(JSON.stringify(body));
      return true;
    };
    const { message } = await expectCodeAsync(list(), 'kubernetes_failed');
    expect(message).toContain('forbidden');
  });
});

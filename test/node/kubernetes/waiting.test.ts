// Which containers wait for their image, whatever the API server lists.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWaitingPage } from '../../../agent/node/kubernetes/waiting.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

function listOf(items: unknown, next?: string) {
  const value = { kind: 'PodList', metadata: { continue: next }, items };
  return { status: 200, body: Buffer.from(JSON.stringify(value)) };
}

function podOf(status: object, metadata: object = {}): object {
  return { metadata: { uid: 'u1', namespace: 'shop', name: 'web', ...metadata }, status };
}

function containerThat(reason: string, image: unknown = 'app:1'): object {
  return { name: 'app', image, state: { waiting: { reason } } };
}

describe('a container that waits for its image', () => {
  it.each([
    ['containerStatuses', 'spec.containers{app}'],
    ['initContainerStatuses', 'spec.initContainers{app}'],
    ['ephemeralContainerStatuses', 'spec.ephemeralContainers{app}'],
  ])('is found among the %s', (key, fieldPath) => {
    const page = parseWaitingPage(listOf([podOf({ [key]: [containerThat('ErrImagePull')] })]));
    expect(page.containers).toEqual([
      { image: 'app:1', pod: { uid: 'u1', namespace: 'shop', name: 'web' }, fieldPath },
    ]);
  });

  it('is found while kubelet waits for its next try', () => {
    const pod = podOf({ containerStatuses: [containerThat('ImagePullBackOff')] });
    expect(parseWaitingPage(listOf([pod])).containers).toHaveLength(1);
  });

  it('of a static pod is of the uid by which its Events are found', () => {
    const annotations = { 'kubernetes.io/config.mirror': 'hash' };
    const pod = podOf({ containerStatuses: [containerThat('ErrImagePull')] }, { annotations });
    expect(parseWaitingPage(listOf([pod])).containers[0]?.pod.uid).toBe('hash');
  });

  it.each<[string, object]>([
    ['waits for something else', { containerStatuses: [containerThat('CrashLoopBackOff')] }],
    ['runs', { containerStatuses: [{ name: 'app', image: 'app:1', state: { running: {} } }] }],
    ['names no image', { containerStatuses: [containerThat('ErrImagePull', '')] }],
    [
      'names one without end',
      { containerStatuses: [containerThat('ErrImagePull', 'x'.repeat(1025))] },
    ],
    ['is none', { containerStatuses: 'none' }],
  ])('is not one that %s', (_, status) => {
    expect(parseWaitingPage(listOf([podOf(status)])).containers).toEqual([]);
  });
});

describe('a page of a list', () => {
  it('tells what to go on with', () => {
    expect(parseWaitingPage(listOf([], 'more'))).toMatchObject({ next: 'more', isExpired: false });
    expect(parseWaitingPage(listOf([]))).toMatchObject({ next: '' });
  });

  it('may have expired', () => {
    const page = parseWaitingPage({ status: 410, body: Buffer.from('{}') });
    expect(page).toEqual({ containers: [], next: '', isExpired: true });
  });

  it('fails for any other answer', () => {
    const refused = { ...listOf([]), status: 403 };
    expectCode(() => parseWaitingPage(refused), 'kubernetes_failed');
    expectCode(() => parseWaitingPage(listOf('none')), 'kubernetes_failed');
  });

  it('is read or refused, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (metadata, status) => {
        valueOrAgentError(() => parseWaitingPage(listOf([{ metadata, status }])));
      }),
    );
  });
});

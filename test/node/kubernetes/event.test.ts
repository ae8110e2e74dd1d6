// What an Event says, and that nothing that others wrote gets into it unbounded.
import { describe, expect, it } from 'vitest';
import {
  eventName,
  type EventSeries,
  eventsPath,
  type EventSubject,
  isSubject,
  lastOf,
  newEvent,
  parseEventCount,
  raisedCount,
} from '../../../agent/node/kubernetes/event.ts';
import { expectCode } from '../../support/expect-code.ts';

const POD: EventSubject = {
  kind: 'Pod',
  namespace: 'shop',
  name: 'web-7d9f',
  uid: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  fieldPath: 'spec.containers{app}',
};
const NODE: EventSubject = { kind: 'Node', namespace: '', name: 'n1', uid: 'n1', fieldPath: '' };

function seriesOn(subject: EventSubject = POD, change: Partial<EventSeries> = {}): EventSeries {
  return {
    ...{ subject, type: 'Warning', reason: 'ImageRefused', message: 'no signature' },
    ...{ about: 'app:1', count: 2 },
    firstAt: new Date('2026-08-22T10:00:00.123Z'),
    lastAt: new Date('2026-08-22T10:00:30Z'),
    ...change,
  };
}

describe('an Event', () => {
  it('of a pod is in its namespace and says what, on which container and how often', () => {
    expect(eventsPath(POD)).toBe('/api/v1/namespaces/shop/events');
    expect(newEvent(seriesOn(), 'n1')).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName(seriesOn()), namespace: 'shop' },
      involvedObject: { apiVersion: 'v1', ...POD },
      ...{ type: 'Warning', reason: 'ImageRefused', message: 'no signature', count: 2 },
      firstTimestamp: '2026-08-22T10:00:00Z',
      lastTimestamp: '2026-08-22T10:00:30Z',
      source: { component: 'nodeseal', host: 'n1' },
      reportingComponent: 'nodeseal',
      reportingInstance: 'n1',
    });
  });

  it('of a Node is where the API server has those, and names no namespace', () => {
    expect(eventsPath(NODE)).toBe('/api/v1/namespaces/default/events');
    expect(newEvent(seriesOn(NODE), 'n1')).toMatchObject({
      metadata: { namespace: 'default' },
      involvedObject: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'n1' },
    });
  });

  it('has the same name again, and another for another pod, reason or image', () => {
    const names = [
      seriesOn(),
      seriesOn({ ...POD, uid: 'other' }),
      seriesOn(POD, { reason: 'RunningImageFailed' }),
      seriesOn(POD, { about: 'app:2' }),
    ].map(eventName);
    expect(new Set(names).size).toBe(4);
    expect(eventName(seriesOn(POD, { count: 9, message: 'other' }))).toBe(names[0]);
    expect(names[0]).toMatch(/^web-7d9f\.[0-9a-f]{16}$/);
  });

  it('has a name that Kubernetes takes, however long the pod', () => {
    const name = eventName(seriesOn({ ...POD, name: `${'a'.repeat(235)}.${'b'.repeat(17)}` }));
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/^[a-z0-9]+\.[0-9a-f]{16}$/);
  });

  it('shows no text that commands a terminal, and none without end', () => {
    const message = `\u001b[2J${'x'.repeat(3000)}`;
    const { message: shown } = lastOf(seriesOn(POD, { message })) as { message: string };
    expect(shown).toMatch(/^ \[2Jx+…$/);
    expect(shown).toHaveLength(1024);
  });

  it('counts on, and no further than its type', () => {
    expect(raisedCount(3, seriesOn())).toEqual({ count: 5 });
    expect(raisedCount(2 ** 31 - 2, seriesOn())).toEqual({ count: 2 ** 31 - 1 });
  });
});

describe('a subject', () => {
  it.each([POD, NODE, { ...POD, name: 'a.b-c' }])('can be %o', (subject) => {
    expect(isSubject(subject)).toBe(true);
  });

  it.each<[string, Partial<EventSubject>]>([
    ['a pod in no namespace', { namespace: '' }],
    ['a namespace that is a path', { namespace: '../kube-system' }],
    ['a name that is a path', { name: 'web/../x' }],
    ['no name', { name: '' }],
    ['no uid', { uid: '' }],
    ['a uid of another form', { uid: 'a b' }],
    ['a container without end', { fieldPath: 'x'.repeat(301) }],
  ])('is not %s', (_, change) => {
    expect(isSubject({ ...POD, ...change })).toBe(false);
  });
});

describe('the count in an answer', () => {
  const reply = (status: number, value: unknown) => ({
    status,
    body: Buffer.from(JSON.stringify(value)),
  });

  it.each([
    [7, 7],
    [undefined, 0],
    ['7', 0],
    [-3, 0],
  ])('of %o is %i', (count, expected) => {
    expect(parseEventCount(reply(200, { kind: 'Event', count }))).toBe(expected);
  });

  it('is none in what is no Event, and none in a failure', () => {
    expectCode(() => parseEventCount(reply(200, { kind: 'Pod', count: 7 })), 'kubernetes_failed');
    expectCode(() => parseEventCount(reply(500, { kind: 'Event' })), 'kubernetes_failed');
  });
});

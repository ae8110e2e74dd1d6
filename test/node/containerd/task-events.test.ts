import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../../agent/node/containerd/client.ts';
import { followTaskEvents, turnOf } from '../../../agent/node/containerd/task-events.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';
import { protoField as field } from '../../support/proto-field.ts';

const EVENTS = 'containerd.events.';

function envelope(type: string, value: Buffer, namespace = 'k8s.io') {
  return { namespace, topic: '/tasks/exit', event: { typeUrl: EVENTS + type, value } };
}

const exit = (container: string, process: string) =>
  envelope('TaskExit', Buffer.concat([field(1, container), field(2, process)]));

describe('an event', () => {
  it.each(['TaskStart', 'TaskDelete', 'ContainerDelete'])('of type %s is a turn', (type) => {
    expect(turnOf(envelope(type, Buffer.alloc(0)))).toBe(EVENTS + type);
  });

  it('of an exit is one for the container, and none for a probe in it', () => {
    expect(turnOf(exit('c1', 'c1'))).toBe(`${EVENTS}TaskExit`);
    expect(turnOf(exit('c1', ''))).toBe(`${EVENTS}TaskExit`);
    expect(turnOf(exit('c1', 'probe'))).toBeNull();
  });

  it('of an exit that cannot be read is one: a list too many does no harm', () => {
    expect(turnOf(envelope('TaskExit', Buffer.from([0x0a, 0xff])))).toBe(`${EVENTS}TaskExit`);
  });

  it('is none of another namespace, of another type or without a payload', () => {
    expect(turnOf(envelope('TaskStart', Buffer.alloc(0), 'moby'))).toBeNull();
    expect(turnOf(envelope('TaskExecStarted', Buffer.alloc(0)))).toBeNull();
    expect(turnOf({ namespace: 'k8s.io', topic: '/tasks/exit', event: null })).toBeNull();
  });

  it('never makes anything but a turn or nothing out of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([null, `${EVENTS}TaskExit`]).toContain(
          turnOf(envelope('TaskExit', Buffer.from(bytes))),
        );
      }),
    );
  });
});

describe('following', () => {
  let fake: FakeContainerd;
  let client: ContainerdClient;
  beforeEach(async () => {
    fake = await startFakeContainerd();
    client = createContainerdClient(fake.socketPath);
  });
  afterEach(async () => {
    client.close();
    await fake.stop();
  });

  it('asks for what begins and ends containers in kubelet’s namespace, and ends when told to', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const type of followTaskEvents(client, stop.signal)) {
        seen.push(type);
        stop.abort();
      }
    })();
    const subscriber = await fake.nextSubscriber();
    expect(subscriber.filters).toEqual(
      ['/tasks/start', '/tasks/exit', '/tasks/delete', '/containers/delete'].map(
        (topic) => `namespace==k8s.io,topic=="${topic}"`,
      ),
    );
    subscriber.send(exit('c1', 'probe'));
    subscriber.send(exit('c1', 'c1'));
    await following;
    expect(seen).toEqual([`${EVENTS}TaskExit`]);
    await subscriber.cancelled;
  });
});

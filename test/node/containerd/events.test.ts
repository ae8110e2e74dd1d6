import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { status } from '@grpc/grpc-js';
import { AgentError } from '../../../agent/errors.ts';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../../agent/node/containerd/client.ts';
import { followImageEvents, parseEnvelope } from '../../../agent/node/containerd/events.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';

const TYPE = 'containerd.services.images.v1.Image';

describe('an event', () => {
  it.each([
    ['Create', 'created'],
    ['Update', 'updated'],
    ['Delete', 'deleted'],
  ])('of type %s is %s', (type, kind) => {
    expect(parseEnvelope(envelope(type, named('app:1')))).toEqual({ kind, name: 'app:1' });
  });

  it('is ignored when it is of another namespace, type or has no payload', () => {
    const good = envelope('Create', named('app:1'));
    expect(parseEnvelope(good)).not.toBeNull();
    expect(parseEnvelope({ ...good, namespace: 'moby' })).toBeNull();
    expect(parseEnvelope({ ...good, event: null })).toBeNull();
    expect(parseEnvelope(envelope('Rename', named('app:1')))).toBeNull();
  });

  it('is refused when its payload is not what its type says', () => {
    const error = expectCode(
      () => parseEnvelope(envelope('Create', Buffer.from([0x0a, 0xff]))),
      'containerd_failed',
    );
    expect(error.message).toContain(`${TYPE}Create`);
    expectCode(() => parseEnvelope(envelope('Create', Buffer.alloc(0))), 'containerd_failed');
    expectCode(
      () => parseEnvelope(envelope('Create', named('n'.repeat(1025)))),
      'containerd_failed',
    );
  });

  it('never makes anything but an event, nothing or our error out of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseEnvelope(envelope('Create', Buffer.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

describe('following events', () => {
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

  it('gives them in order and skips what is none', async () => {
    const subscribed = fake.nextSubscriber();
    const events = followImageEvents(client);
    const first = events.next();
    const subscriber = await subscribed;
    expect(subscriber.filters).toEqual(['namespace==k8s.io,topic~="^/images/"']);
    subscriber.send(envelope('Rename', named('x')));
    subscriber.send(envelope('Create', named('app:1')));
    subscriber.send(envelope('Delete', named('app:1')));
    expect((await first).value).toEqual({ kind: 'created', name: 'app:1' });
    expect((await events.next()).value).toEqual({ kind: 'deleted', name: 'app:1' });
    await events.return();
    await subscriber.cancelled;
  });

  it('ends without an error when its signal aborts, and tells containerd', async () => {
    const subscribed = fake.nextSubscriber();
    const abort = new AbortController();
    const events = followImageEvents(client, abort.signal);
    const next = events.next();
    const subscriber = await subscribed;
    abort.abort();
    expect((await next).done).toBe(true);
    await subscriber.cancelled;
    expect((await followImageEvents(client, abort.signal).next()).done).toBe(true);
  });

  it('throws when containerd ends the stream', async () => {
    const subscribed = fake.nextSubscriber();
    const next = followImageEvents(client).next();
    (await subscribed).end();
    await expectCodeAsync(next, 'containerd_unavailable');
  });

  it('throws when containerd fails the stream', async () => {
    const subscribed = fake.nextSubscriber();
    const next = followImageEvents(client).next();
    (await subscribed).fail(status.UNAVAILABLE, 'shutting down');
    const error = await expectCodeAsync(next, 'containerd_unavailable');
    expect(error.message).toContain('shutting down');
  });

  it('throws when containerd goes away', async () => {
    const subscribed = fake.nextSubscriber();
    const next = followImageEvents(client).next();
    await subscribed;
    const thrown = expectCodeAsync(next, 'containerd_unavailable');
    await fake.stop();
    await thrown;
  });
});

function envelope(type: string, value: Buffer) {
  return {
    namespace: 'k8s.io',
    topic: `/images/${type.toLowerCase()}`,
    event: { typeUrl: `${TYPE}${type}`, value },
  };
}

/** The payload of all three events: field 1 is the name. */
function named(name: string): Buffer {
  const body = Buffer.from(name);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...length]), body]);
}

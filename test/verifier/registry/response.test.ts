// A response by what undici tells of it: what is kept, what has to wait, and what breaks it off.
import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { BoundedResponse } from '../../../agent/verifier/registry/response.ts';
import { Wait } from '../../../agent/verifier/registry/wait.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';

/** undici's part: notes what is asked of the connection. */
function connection(response: BoundedResponse) {
  const asked: string[] = [];
  const controller: Dispatcher.DispatchController = {
    ...{ aborted: false, paused: false, reason: null },
    abort: (reason) => {
      asked.push('abort');
      response.onResponseError(controller, reason);
    },
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
  };
  return { asked, controller };
}

function begun(headers: Record<string, string> = {}, caller = new AbortController()) {
  const response = new BoundedResponse('a blob', new Wait(caller.signal, 10_000, 'a blob'));
  const { asked, controller } = connection(response);
  response.onRequestStart(controller);
  response.onResponseStart(controller, 200, headers);
  const data = (bytes: number) => {
    response.onResponseData(controller, Buffer.alloc(bytes, 'a'));
  };
  return { response, asked, controller, caller, data };
}

describe('BoundedResponse', () => {
  it('gives the whole body, whatever of it came before it was read', async () => {
    const { response, asked, data } = begun();
    data(3);
    const read = response.read(5);
    data(2);
    response.onResponseEnd();
    expect(Buffer.from(await read).toString()).toBe('aaaaa');
    expect(asked).not.toContain('abort');
  });

  it('lets the connection wait while much is there that nobody reads', async () => {
    const { response, asked, data } = begun();
    data(64 * 1024);
    expect(asked).toEqual([]);
    data(1);
    expect(asked).toEqual(['pause']);
    const read = response.read(1024 * 1024);
    expect(asked).toEqual(['pause', 'resume']);
    data(1024);
    expect(asked).toEqual(['pause', 'resume']);
    response.onResponseEnd();
    expect(await read).toHaveLength(65 * 1024 + 1);
  });

  it.each([
    ['at once, where it came before', true],
    ['with the first piece beyond', false],
  ])('breaks off a body that is too long: %s', async (_, isEarly) => {
    const { response, asked, data } = begun();
    if (isEarly) data(6);
    const failed = expectCodeAsync(response.read(5), 'content_too_large');
    if (!isEarly) {
      data(5);
      expect(asked).not.toContain('abort');
      data(1);
    }
    expect(asked).toContain('abort');
    await failed;
  });

  it('breaks off a compressed body', async () => {
    const { response, asked, data } = begun({ 'content-encoding': 'gzip' });
    const failed = expectCodeAsync(response.read(5), 'content_mismatch');
    data(1);
    expect(asked).toContain('abort');
    await failed;
  });

  it('keeps the connection behind a little that is not wanted, and breaks off much', async () => {
    const [little, much] = [begun(), begun()];
    const discarded = [little.response.discard(), much.response.discard()];
    little.data(16 * 1024);
    little.response.onResponseEnd();
    much.data(16 * 1024 + 1);
    await Promise.all(discarded);
    expect([little.asked, much.asked].map((asked) => asked.includes('abort'))).toEqual([
      false,
      true,
    ]);
  });

  it('is broken off when its caller gives up', async () => {
    const { response, asked, caller } = begun();
    const failed = expectCodeAsync(response.read(5), 'deadline_exceeded');
    caller.abort();
    expect(asked).toContain('abort');
    await failed;
  });

  it('is not waited for when its caller gives up before there is a connection', async () => {
    const caller = new AbortController();
    const response = new BoundedResponse('a blob', new Wait(caller.signal, 10_000, 'a blob'));
    caller.abort();
    await expect(response.started).rejects.toThrow('no time is left');
    const { asked, controller } = connection(response);
    response.onRequestStart(controller);
    expect(asked).toEqual(['abort']);
  });

  it('passes over what is only said on the way', async () => {
    const response = new BoundedResponse('a blob', new Wait(new AbortController().signal, 1, ''));
    const { controller } = connection(response);
    response.onResponseStart(controller, 103, { link: '</early>' });
    response.onResponseStart(controller, 404, {});
    await response.started;
    expect([response.status, response.header('link')]).toEqual([404, undefined]);
  });
});

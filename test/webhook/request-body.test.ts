// The count of what is in memory, with bounds so small that a test can reach them exactly.
import { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Body, RequestBodies } from '../../agent/webhook/request-body.ts';

const MAX_BYTES = 10;
const MAX_TOTAL_BYTES = 15;

/** As `node:http` gives it; without `announced` it comes in chunks of which nobody knows how many. */
function requestOf(bytes: number, announced?: number): IncomingMessage {
  const headers = announced === undefined ? {} : { 'content-length': String(announced) };
  const body = Readable.from(Array.from({ length: bytes }, () => Buffer.from('x')));
  return Object.assign(body, { headers }) as unknown as IncomingMessage;
}

const outcomeOf = (body: Body) => body.status ?? body.bytes.length;
const outcome = (body: Body) => Promise.resolve(outcomeOf(body));

describe('a body', () => {
  it('is read up to its bound, announced or not', async () => {
    const bodies = new RequestBodies(MAX_BYTES, MAX_TOTAL_BYTES);
    for (const announced of [MAX_BYTES, undefined]) {
      expect(await bodies.with(requestOf(MAX_BYTES, announced), outcome)).toBe(MAX_BYTES);
      expect(await bodies.with(requestOf(MAX_BYTES + 1, announced), outcome)).toBe(413);
    }
    expect(await bodies.with(requestOf(0, MAX_BYTES + 1), outcome)).toBe(413);
    expect(bodies.totalBytes).toBe(0);
  });

  it('counts with the others until its use has ended, and is to come again when they are too much', async () => {
    const bodies = new RequestBodies(MAX_BYTES, MAX_TOTAL_BYTES);
    const outcomes = await bodies.with(requestOf(MAX_BYTES), async (first) => {
      expect(bodies.totalBytes).toBe(MAX_BYTES);
      const room = MAX_TOTAL_BYTES - MAX_BYTES;
      const fits = await bodies.with(requestOf(room), outcome);
      const tooMuch = await bodies.with(requestOf(room + 1), outcome);
      return [outcomeOf(first), fits, tooMuch];
    });
    expect(outcomes).toEqual([MAX_BYTES, MAX_TOTAL_BYTES - MAX_BYTES, 503]);
    expect(bodies.totalBytes).toBe(0);
    expect(await bodies.with(requestOf(MAX_BYTES), outcome)).toBe(MAX_BYTES);
  });

  it('that is refused or whose use fails counts no more', async () => {
    const bodies = new RequestBodies(MAX_BYTES, MAX_TOTAL_BYTES);
    const failing = bodies.with(requestOf(1), () => Promise.reject(new RangeError('a fault')));
    await expect(failing).rejects.toThrow(RangeError);
    expect(bodies.totalBytes).toBe(0);
  });
});

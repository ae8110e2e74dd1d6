// A pipe read in pieces: what comes, that silence is told, and that nothing is read ahead.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getDefaultHighWaterMark, PassThrough, type Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notReadingAhead, readGathered } from '../../../agent/node/journald/gathered.ts';

const never = () => Infinity;

function pipe(): PassThrough {
  return notReadingAhead(() => new PassThrough());
}

async function allOf(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readGathered(stream, never)) pieces.push(piece ?? Buffer.alloc(0));
  return Buffer.concat(pieces);
}

describe('readGathered', () => {
  it('yields every byte in order, however it was written', async () => {
    const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), { maxLength: 8 });
    const property = fc.asyncProperty(writes, async (parts) => {
      const stream = pipe();
      const all = allOf(stream);
      for (const part of parts) stream.write(part);
      stream.end();
      expect(await all).toEqual(Buffer.concat(parts));
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('yields all that a process wrote before it ended', async () => {
    const script = 'for (let n = 0; n < 3000; n += 1) process.stdout.write(`${n} `.padEnd(512))';
    const child = notReadingAhead(() =>
      spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    const numbers = (await allOf(child.stdout)).toString().split(/ +/).slice(0, -1);
    expect(numbers).toEqual(Array.from({ length: 3000 }, (_, n) => String(n)));
  });

  it('tells of silence, and reads on', async () => {
    const stream = pipe();
    const pieces = readGathered(stream, () => 1);
    expect((await pieces.next()).value).toBeUndefined();
    stream.write('late');
    const rest: string[] = [];
    for await (const piece of pieces) {
      if (piece === undefined) continue;
      rest.push(piece.toString());
      stream.end();
    }
    expect(rest).toEqual(['late']);
  });

  it('pauses after a small piece, but not for the one that was read before the pause', async () => {
    const stream = pipe();
    let pauses = 0;
    const pieces = readGathered(stream, never, async () => {
      pauses += 1;
      return Promise.resolve();
    });
    const [small, large] = [100, 10_000];
    const after: number[] = [];
    for (const length of [small, small, small, large, small, large]) {
      stream.write(Buffer.alloc(length));
      await pieces.next();
      after.push(pauses);
    }
    expect(after).toEqual([1, 1, 2, 2, 3, 3]);
    stream.destroy();
  });

  it('ends with a stream that fails, is destroyed, or was at its end', async () => {
    const [failed, destroyed, ended] = [pipe(), pipe(), pipe()];
    const read = [failed, destroyed, ended].map(allOf);
    failed.destroy(new Error('broken'));
    destroyed.destroy();
    ended.end();
    expect((await Promise.all(read)).map(({ length }) => length)).toEqual([0, 0, 0]);
  });
});

describe('notReadingAhead', () => {
  it('lets a stream hold one piece while nobody asks', async () => {
    const stream = pipe();
    const pieces = readGathered(stream, never);
    expect(stream.write(Buffer.alloc(100))).toBe(false);
    expect((await pieces.next()).value).toHaveLength(100);
    stream.destroy();
    await once(stream, 'close');
  });

  it('leaves every other stream as it was, also when nothing was made', () => {
    const usual = getDefaultHighWaterMark(false);
    const fail = () => {
      throw new Error('not made');
    };
    expect(() => notReadingAhead(fail)).toThrow('not made');
    expect(getDefaultHighWaterMark(false)).toBe(usual);
    expect(new PassThrough().readableHighWaterMark).toBe(usual);
  });
});

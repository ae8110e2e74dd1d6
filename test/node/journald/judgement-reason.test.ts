// Which verifier rejected, and why one gave no judgement, from containerd's own words.
import { describe, expect, it } from 'vitest';
import {
  parseGoDurationMs,
  parseNoJudgement,
  parseRejectingVerifier,
} from '../../../agent/node/journald/judgement-reason.ts';

describe('parseNoJudgement', () => {
  const waited = (why: string, runtime = '10.002113s') =>
    `failed to call verifier v (runtime ${runtime}): waiting on command to exit: ${why}`;
  const starting = (why: string) =>
    `failed to call verifier v (runtime 1.2ms): starting process: ${why}`;

  it.each([
    ['timeout', waited('signal: killed')],
    ['timeout', starting('context deadline exceeded')],
    ['killed', waited('signal: killed', '9.9s')],
    ['killed', waited('signal: segmentation fault (core dumped)')],
    ['exec_failed', starting('fork/exec /b/v: permission denied')],
    ['exec_failed', starting('fork/exec /b/v: text file busy')],
    ['output_held', waited('context deadline exceeded')],
    ['other', waited('no child processes')],
    ['other', 'failed to call verifier v (runtime 1ms): pipe2: too many open files'],
  ])('tells %s from %s', (cause, error) => {
    expect(parseNoJudgement(error)).toMatchObject({ cause, verifier: 'v' });
  });

  it('goes by the timeout that is configured', () => {
    const error = waited('signal: killed', '2.001s');
    expect(parseNoJudgement(error)).toMatchObject({ cause: 'killed', runtimeMs: 2001 });
    expect(parseNoJudgement(error, 2000).cause).toBe('timeout');
  });

  it('cannot tell a timeout where there is no runtime', () => {
    expect(parseNoJudgement(waited('signal: killed', 'long'))).toMatchObject({
      cause: 'killed',
      runtimeMs: null,
    });
  });

  it('names no verifier where none was run', () => {
    const error = 'failed to list directory contents: open /b: permission denied';
    expect(parseNoJudgement(error)).toEqual({ cause: 'other', verifier: null, runtimeMs: null });
  });

  it('is not misled by a file whose name imitates the rest', () => {
    const error =
      'failed to call verifier v (runtime 1s): x (runtime 11s): waiting on command to exit: signal: killed';
    expect(parseNoJudgement(error)).toMatchObject({ verifier: 'v', cause: 'other' });
  });
});

describe('parseRejectingVerifier', () => {
  it.each([
    ['verifier v rejected image (exit code 1): no', 'v'],
    ['verifier v rejected image (exit code 2): verifier w rejected image (exit code 1): ', 'v'],
    ['said: verifier v rejected image (exit code 1): no', null],
    ['', null],
  ])('reads %j', (reason, verifier) => {
    expect(parseRejectingVerifier(reason)).toBe(verifier);
  });
});

describe('parseGoDurationMs', () => {
  it.each([
    ['512.3ms', 512.3],
    ['10.001234s', 10_001.234],
    ['1h2m3.5s', 3_723_500],
    ['408.059µs', 0.408059],
    ['7ns', 7e-6],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseGoDurationMs(text)).toBeCloseTo(ms, 9);
  });

  it.each(['', '10', 's', '1.s', '-1s', '1s ', '1d', '1s1s1s1s'])('refuses %j', (text) => {
    expect(parseGoDurationMs(text)).toBeNull();
  });
});

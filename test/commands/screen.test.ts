import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { screenOf } from '../../agent/commands/screen.ts';

/** A stream that is a terminal, with the runtime's own reading of its environment. */
function terminal(columns: number) {
  const getColorDepth = (environment: object) =>
    WriteStream.prototype.getColorDepth.call(undefined, environment);
  return Object.assign(new PassThrough(), { isTTY: true, columns, getColorDepth });
}

describe('a terminal', () => {
  it('has columns, and colours if it says so', () => {
    const environment = { TERM: 'xterm-256color' };
    expect(screenOf(terminal(80), environment)).toEqual({ columns: 80, colours: true });
    expect(screenOf(terminal(80), { TERM: 'dumb' })).toEqual({ columns: 80, colours: false });
  });

  it('has no colours where nobody wants them', () => {
    const environment = { TERM: 'xterm-256color', NO_COLOR: '1' };
    expect(screenOf(terminal(80), environment).colours).toBe(false);
  });

  it('of unknown width has no columns', () => {
    expect(screenOf(terminal(0), {})).not.toHaveProperty('columns');
  });
});

describe('a file or a pipe', () => {
  it('has neither, whatever the environment says', () => {
    const environment = { TERM: 'xterm-256color', COLORTERM: 'truecolor' };
    expect(screenOf(new PassThrough(), environment)).toEqual({ colours: false });
  });
});

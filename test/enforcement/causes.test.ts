import { describe, expect, it } from 'vitest';
import { CAUSES, causeOf } from '../../agent/enforcement/causes.ts';

describe('a cause', () => {
  const { message, remedy } = CAUSES.canary_failed;

  it('tells what is the matter and what to do, and what was found', () => {
    expect(causeOf('canary_failed')).toEqual({ code: 'canary_failed', message, remedy });
    expect(causeOf('canary_failed', 'Found this.').message).toBe(`${message} Found this.`);
  });

  it('cuts what was found after 400 characters', () => {
    const longest = 'x'.repeat(400);
    expect(causeOf('canary_failed', longest).message).toBe(`${message} ${longest}`);
    expect(causeOf('canary_failed', `${longest}x`).message).toBe(`${message} ${longest}…`);
  });
});

// Break-glass is told of for as long as it lasts, and once when it does not count.
import { describe, expect, it } from 'vitest';
import { BreakGlassWatch } from '../../../agent/commands/run/break-glass.ts';
import { AgentError } from '../../../agent/errors.ts';
import type { BreakGlass } from '../../../agent/pull/break-glass.ts';

const START_MS = Date.parse('2026-08-22T10:00:00Z');
const ACTIVE: BreakGlass = {
  state: 'active',
  until: new Date(START_MS + 3_600_000),
  reason: 'registry is down',
  by: 'alice',
};
const ABSENT = { state: 'absent' } as BreakGlass;

function open() {
  const world = { nowMs: START_MS, found: ABSENT };
  const told: string[] = [];
  const watch = new BreakGlassWatch({
    read: () => world.found,
    clock: { now: () => new Date(world.nowMs), sleep: () => Promise.resolve() },
    log: {
      info: (text: string) => void told.push(text),
      warn: (_: object, text: string) => void told.push(text),
    } as never,
    metrics: { countError: (code) => void told.push(code) },
    onTurn: () => void told.push('turn'),
  });
  const look = (found: BreakGlass, afterMs = 5000): string[] => {
    world.found = found;
    world.nowMs += afterMs;
    told.length = 0;
    watch.look();
    return [...told];
  };
  return { watch, look };
}

const WARNING = expect.stringContaining('by alice: registry is down') as string;

describe('break-glass in the agent', () => {
  it('is silent while there is none', () => {
    const { watch, look } = open();
    expect(look(ABSENT)).toEqual([]);
    expect(watch.until).toBeNull();
  });

  it('warns when it begins, each minute, and tells of its end', () => {
    const { watch, look } = open();
    expect(look(ACTIVE)).toEqual([WARNING, 'turn']);
    expect(watch.until).toEqual(ACTIVE.until);
    expect(look(ACTIVE, 59_999)).toEqual([]);
    expect(look(ACTIVE, 1)).toEqual([WARNING]);
    expect(look(ABSENT)).toEqual(['break-glass is over: pulls are judged again', 'turn']);
    expect(look(ABSENT, 60_000)).toEqual([]);
  });

  it('warns on although the clock jumps back', () => {
    const { look } = open();
    look(ACTIVE);
    expect(look(ACTIVE, -3_600_000)).toEqual([WARNING]);
  });

  it('tells at once of another expiry', () => {
    const { look } = open();
    look(ACTIVE);
    expect(look({ ...ACTIVE, until: new Date(START_MS + 7_200_000) })).toEqual([WARNING]);
  });

  it('counts and tells of a file that does not count once, until it is another', () => {
    const { look } = open();
    const ignored = (why: string): BreakGlass => ({
      state: 'ignored',
      error: new AgentError('break_glass_invalid', why),
    });
    expect(look(ignored('mode'))).toEqual(['break_glass_invalid', 'ignored mode']);
    expect(look(ignored('mode'), 60_000)).toEqual([]);
    expect(look(ACTIVE)).toEqual([WARNING, 'turn']);
    expect(look(ignored('expired'))).toEqual([
      ...['break_glass_invalid', 'ignored expired'],
      ...['break-glass is over: pulls are judged again', 'turn'],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import {
  containerdStartedAt,
  type EventTotal,
  fallbackWarning,
} from '../../agent/enforcement/fallback.ts';

const event = (name: string, lastUs: number, lastDetail = ''): EventTotal => ({
  ...{ event: name, lastUs, lastDetail },
});
const warning = (lastUs: number) => event('pull_fallback', lastUs, 'DiscardUnpackedLayers');

describe('the start-up warning', () => {
  it('is told of the containerd that runs now', () => {
    const events = [event('containerd_started', 10), warning(11)];
    expect(fallbackWarning(events)).toMatchObject({ code: 'pull_fallback', effect: 'bypass' });
    expect(fallbackWarning(events)?.message).toContain('DiscardUnpackedLayers');
    // Of one microsecond, which is as exactly as the journal tells.
    expect(fallbackWarning([event('containerd_started', 11), warning(11)])).toBeDefined();
  });

  it('is told when the journal does not reach back to the start', () => {
    expect(fallbackWarning([warning(11)])).toBeDefined();
  });

  it('is not told of an earlier containerd, nor when there was none', () => {
    expect(fallbackWarning([warning(11), event('containerd_started', 12)])).toBeUndefined();
    expect(fallbackWarning([event('containerd_started', 12)])).toBeUndefined();
    expect(fallbackWarning([])).toBeUndefined();
  });
});

describe('the start of containerd', () => {
  it('is the last one that the journal tells of', () => {
    const startUs = Date.UTC(2026, 0, 1) * 1000 + 999;
    expect(containerdStartedAt([event('containerd_started', startUs)])).toEqual(
      new Date('2026-01-01T00:00:00.000Z'),
    );
    expect(containerdStartedAt([warning(1)])).toBeNull();
  });
});

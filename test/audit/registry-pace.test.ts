// How fast a registry is asked, and how long it is left alone.
import { describe, expect, it } from 'vitest';
import { isRegistryFault, type Pause, RegistryPace } from '../../agent/audit/registry-pace.ts';
import type { ErrorCode } from '../../agent/errors.ts';
import { verdictOf } from '../support/verdict.ts';

const REGISTRY = 'registry.example';
const START = Date.parse('2026-08-22T10:00:00Z');
const DOWN = { reason: 'registry_unreachable', message: 'connection refused' } as const;

function at(seconds: number): Date {
  return new Date(START + seconds * 1000);
}

/** Fails at once at that time. */
function fail(pace: RegistryPace, seconds: number, random = 0): Pause {
  return pace.failed(REGISTRY, DOWN, { asked: at(seconds), now: at(seconds) }, random);
}

describe('turns at a registry', () => {
  it('are a rate apart, whenever they are asked for', () => {
    const pace = new RegistryPace(20);
    expect([0, 0, 0].map((seconds) => pace.takeTurn(REGISTRY, at(seconds)))).toEqual([0, 50, 100]);
    expect(pace.takeTurn(REGISTRY, at(0.1))).toBe(50);
  });

  it('are not saved up', () => {
    const pace = new RegistryPace(20);
    pace.takeTurn(REGISTRY, at(0));
    expect([60, 60].map((seconds) => pace.takeTurn(REGISTRY, at(seconds)))).toEqual([0, 50]);
  });

  it('are those of one registry', () => {
    const pace = new RegistryPace(20);
    pace.takeTurn(REGISTRY, at(0));
    expect(pace.takeTurn('other.example', at(0))).toBe(0);
  });
});

describe('a registry that fails', () => {
  it('is left alone longer each time, and at most ten minutes', () => {
    const pace = new RegistryPace(20);
    const pauses: number[] = [];
    let seconds = 0;
    for (let attempt = 0; attempt < 8; attempt++) {
      const { until } = fail(pace, seconds);
      pauses.push((until.getTime() - at(seconds).getTime()) / 1000);
      expect(pace.pause(REGISTRY, new Date(until.getTime() - 1))).toMatchObject({ until });
      expect(pace.pause(REGISTRY, until)).toBeNull();
      seconds += pauses.at(-1) ?? 0;
    }
    expect(pauses).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
  });

  it('is left alone half as long by chance', () => {
    expect(fail(new RegistryPace(20), 0, 0.999999).until.getTime()).toBeCloseTo(START + 7500, -1);
  });

  it('is not blamed twice for what was asked together', () => {
    const pace = new RegistryPace(20);
    const first = fail(pace, 10);
    expect(pace.failed(REGISTRY, DOWN, { asked: at(9), now: at(12) }, 0)).toBe(first);
    expect(fail(pace, 25).until).toEqual(at(25 + 30));
  });

  it('is as good as new once it answers', () => {
    const pace = new RegistryPace(20);
    fail(pace, 0);
    fail(pace, 15);
    pace.answered(REGISTRY);
    expect(pace.pause(REGISTRY, at(16))).toBeNull();
    expect(fail(pace, 100).until).toEqual(at(115));
  });

  it('is forgotten when there are too many', () => {
    const pace = new RegistryPace(20);
    fail(pace, 0);
    for (let n = 0; n < 255; n++) pace.takeTurn(`${n}.example`, at(0));
    expect(pace.pause(REGISTRY, at(1))).not.toBeNull();
    pace.takeTurn('another.example', at(0));
    expect(pace.pause(REGISTRY, at(1))).toBeNull();
  });

  it('is not forgotten while images ask it', () => {
    const pace = new RegistryPace(20);
    fail(pace, 0);
    for (let n = 0; n < 255; n++) pace.takeTurn(`${n}.example`, at(0));
    pace.takeTurn(REGISTRY, at(0));
    pace.takeTurn('another.example', at(0));
    expect(pace.pause(REGISTRY, at(1))).not.toBeNull();
  });

  it('is left alone with what it failed with', () => {
    const pace = new RegistryPace(20);
    expect(pace.pause(REGISTRY, at(0))).toBeNull();
    const pause = fail(pace, 0);
    expect(pause).toEqual({ until: at(15), code: DOWN.reason, message: DOWN.message });
    expect(pace.pause(REGISTRY, at(1))).toBe(pause);
    expect(pace.pause('other.example', at(1))).toBeNull();
  });
});

describe('a fault of a registry', () => {
  const denied = (reason: ErrorCode, inconclusive = true) =>
    verdictOf({ decision: 'deny', reason, inconclusive });

  it('is one that its other images would meet as well', () => {
    expect(isRegistryFault(denied('registry_timeout'))).toBe(true);
    expect(isRegistryFault(denied('registry_denied'))).toBe(false);
    expect(isRegistryFault(denied('revocation_unreachable'))).toBe(false);
    expect(isRegistryFault(verdictOf({}))).toBe(false);
  });

  it.each([
    'registry_unreachable',
    'registry_timeout',
    'registry_busy',
    'registry_failed',
    'deadline_exceeded',
  ] as const)('leaves open what an image is: %s', (reason) => {
    expect(isRegistryFault(denied(reason))).toBe(true);
    expect(isRegistryFault(denied(reason, false))).toBe(false);
  });
});

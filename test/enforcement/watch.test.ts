import { describe, expect, it } from 'vitest';
import type { CanaryResult } from '../../agent/enforcement/canary-result.ts';
import { type Cause, causeOf } from '../../agent/enforcement/causes.ts';
import type { EventTotal } from '../../agent/enforcement/fallback.ts';
import type { Suspicion } from '../../agent/enforcement/state.ts';
import { EnforcementWatch } from '../../agent/enforcement/watch.ts';
import { AgentError } from '../../agent/errors.ts';
import { FakeClock, settle } from '../audit/fake-clock.ts';

const PROVED: CanaryResult = { kind: 'proved' };
const REFUTED: CanaryResult = { kind: 'refuted', cause: causeOf('unsigned_image_came_in') };
const NEITHER: CanaryResult = { kind: 'inconclusive', cause: causeOf('containerd_unavailable') };
const HOUR_MS = 3_600_000;
const SETTLE_MS = 300;
const SUSPICION: Suspicion = {
  ...{ code: 'registry_mirrors', effect: 'bypass', message: 'x', remedy: 'y' },
};

/** A watch over evidence that a test sets; ends by `stop`. */
function open() {
  const clock = new FakeClock();
  const world = {
    result: PROVED,
    events: [] as EventTotal[],
    findings: [] as readonly Suspicion[] | AgentError,
    missing: undefined as string | undefined,
    opened: [] as readonly Cause[],
  };
  const seen = { runs: 0, results: [] as string[], told: [] as string[] };
  const watch = new EnforcementWatch({
    canary: {
      run: () => {
        seen.runs += 1;
        return Promise.resolve(world.result);
      },
    },
    events: () => world.events,
    findings: () =>
      world.findings instanceof AgentError
        ? Promise.reject(world.findings)
        : Promise.resolve(world.findings),
    missingVerifier: () => world.missing,
    opened: () => world.opened,
    intervalMs: HOUR_MS,
    ...{ clock, random: () => 0.5 },
    onCanary: ({ kind }) => seen.results.push(kind),
    onChange: ({ state, causes }) =>
      seen.told.push([state, ...causes.map(({ code }) => code)].join(' ')),
  });
  const stop = new AbortController();
  const ended = watch.run(stop.signal);
  const state = (): string => {
    const { state: name, causes } = watch.enforcement();
    return [name, ...causes.map(({ code }) => code)].join(' ');
  };
  return {
    ...{ clock, world, seen, watch, state },
    /** Wakes it, and lets it look. */
    look: async () => {
      watch.wake();
      await settle();
      await clock.advance(SETTLE_MS);
    },
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

describe('the watch', () => {
  it('tries a canary at once, then hourly', async () => {
    const { clock, seen, watch, state, stop } = open();
    expect(state()).toBe('unknown canary_pending');
    const began = clock.now();
    await settle();
    expect(state()).toBe('enforcing');
    expect(watch.enforcement().provedAt).toEqual(began);
    await clock.advance(HOUR_MS - 1);
    expect(seen.runs).toBe(1);
    await clock.advance(1);
    await clock.advance(SETTLE_MS);
    expect(seen.results).toEqual(['proved', 'proved']);
    await stop();
  });

  it('tries one when an image came in without a verdict after the last proof, and only then', async () => {
    const { clock, seen, watch, stop } = open();
    const began = clock.now();
    await settle();
    await clock.advance(10_000);
    watch.doubted(new Date(began.getTime() - 1));
    await settle();
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(1);
    watch.doubted(new Date(began.getTime() + 5000));
    await settle();
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(2);
    await stop();
  });

  it('tries none for an image without a verdict where it is known that nothing is enforced', async () => {
    const { clock, world, seen, watch, stop } = open();
    world.result = REFUTED;
    await settle();
    watch.doubted(clock.now());
    await settle();
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(1);
    await stop();
  });

  it('tries again soon, and ever later, until one proves', async () => {
    const { clock, world, seen, state, stop } = open();
    world.result = NEITHER;
    await settle();
    for (const [ms, runs] of [
      [1000, 2],
      [2000, 3],
      [4000, 4],
    ] as const) {
      expect(clock.sleeps.at(-1)).toBe(ms);
      await clock.advance(ms - 1);
      expect(seen.runs).toBe(runs - 1);
      await clock.advance(1);
      await clock.advance(SETTLE_MS);
      expect(seen.runs).toBe(runs);
    }
    expect(state()).toBe('unknown containerd_unavailable');
    world.result = PROVED;
    await clock.advance(8000);
    await clock.advance(SETTLE_MS);
    expect(state()).toBe('enforcing');
    await stop();
  });

  it('begins anew with soon when one has proved in between', async () => {
    const { clock, world, seen, look, stop } = open();
    world.result = NEITHER;
    await look();
    await look();
    world.result = PROVED;
    await look();
    world.result = NEITHER;
    await look();
    expect(seen.results).toEqual([
      ...Array<string>(3).fill('inconclusive'),
      'proved',
      'inconclusive',
    ]);
    expect(clock.sleeps.at(-1)).toBe(1000);
    await stop();
  });

  it('says when it was proved last, whatever came of later canaries', async () => {
    const { clock, world, watch, look, stop } = open();
    const began = clock.now();
    await settle();
    for (const result of [REFUTED, NEITHER]) {
      await clock.advance(1);
      world.result = result;
      await look();
      expect(watch.enforcement().provedAt).toEqual(began);
    }
    world.result = PROVED;
    const again = clock.now();
    await look();
    expect(watch.enforcement().provedAt?.getTime()).toBeGreaterThanOrEqual(again.getTime());
    await stop();
  });

  it('tries at once when it is woken, once for many', async () => {
    const { clock, seen, watch, stop } = open();
    await settle();
    watch.wake();
    watch.wake();
    await settle();
    watch.wake();
    await clock.advance(SETTLE_MS);
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(2);
    await stop();
  });

  it('tries once more when something changed while it tried', async () => {
    const { clock, world, seen, watch, stop } = open();
    const events: EventTotal[] = [];
    Object.defineProperty(world, 'result', {
      get: () => {
        if (seen.runs === 1) watch.wake();
        return PROVED;
      },
    });
    world.events = events;
    await settle();
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(2);
    await stop();
  });

  it('is woken by news of the journal, not by old ones', async () => {
    const { clock, seen, watch, stop } = open();
    const began = clock.now();
    await settle();
    watch.heard(new Date(began.getTime() - 1));
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(1);
    // It may have come just after the look.
    watch.heard(began);
    await settle();
    await clock.advance(SETTLE_MS);
    expect(seen.runs).toBe(2);
    await stop();
  });

  it('does not rest on a proof from before containerd broke off', async () => {
    const { clock, world, watch, state, stop } = open();
    await settle();
    await clock.advance(1);
    world.result = NEITHER;
    watch.containerdGone();
    expect(state()).toBe('unknown canary_pending');
    await settle();
    await clock.advance(SETTLE_MS);
    expect(state()).toBe('unknown containerd_unavailable');
    world.result = PROVED;
    await clock.advance(1000);
    await clock.advance(SETTLE_MS);
    expect(state()).toBe('enforcing');
    await stop();
  });

  it('does not rest on a proof from before a start that the journal tells of', async () => {
    const { clock, world, state, look, stop } = open();
    await settle();
    const startUs = (clock.now().getTime() + 1) * 1000;
    world.events = [
      { event: 'containerd_started', lastUs: startUs, lastDetail: '2.1.9' },
      { event: 'pull_fallback', lastUs: startUs + 1, lastDetail: 'DiscardUnpackedLayers' },
    ];
    expect(state()).toBe('bypassed pull_fallback canary_pending');
    world.result = REFUTED;
    await clock.advance(2);
    await look();
    expect(state()).toBe('bypassed unsigned_image_came_in pull_fallback');
    await stop();
  });

  it('knows at once that the verifier is gone, and believes a canary after it', async () => {
    const { clock, world, state, look, stop } = open();
    await settle();
    await clock.advance(1);
    world.missing = '/opt/x';
    expect(state()).toBe('bypassed verifier_missing canary_pending');
    await look();
    // It may be elsewhere, where containerd looks.
    expect(state()).toBe('enforcing verifier_missing');
    world.missing = undefined;
    expect(state()).toBe('enforcing');
    // It came back, and is gone another time.
    await clock.advance(1);
    world.missing = '/opt/x';
    expect(state()).toBe('bypassed verifier_missing canary_pending');
    await stop();
  });

  it('rests on no proof from before the last of several changes', async () => {
    const { clock, world, watch, state, stop } = open();
    world.events = [
      { event: 'containerd_started', lastUs: clock.now().getTime() * 1000, lastDetail: '2.1.9' },
    ];
    await clock.advance(1);
    await settle();
    expect(state()).toBe('enforcing');
    await clock.advance(1);
    watch.containerdGone();
    expect(state()).toBe('unknown canary_pending');
    await stop();
  });

  it('believes a canary that began after images were let in on purpose, seen by nobody before', async () => {
    const { clock, world, state, look, stop } = open();
    await settle();
    await clock.advance(1);
    world.opened = [causeOf('audit_mode')];
    Object.defineProperty(world, 'result', {
      get: () => {
        void clock.advance(1);
        return { kind: 'refuted', cause: causeOf('verdict_not_enforced') };
      },
    });
    await look();
    expect(state()).toBe('bypassed audit_mode verdict_not_enforced');
    await stop();
  });

  it('does not rest on a proof from before images were let in on purpose, nor after', async () => {
    const { clock, world, state, look, stop } = open();
    await settle();
    await clock.advance(1);
    const [opened] = [causeOf('audit_mode')];
    world.opened = [opened];
    expect(state()).toBe('bypassed audit_mode canary_pending');
    world.result = { kind: 'refuted', cause: causeOf('verdict_not_enforced') };
    await look();
    expect(state()).toBe('bypassed audit_mode verdict_not_enforced');
    await clock.advance(1);
    world.opened = [];
    expect(state()).toBe('unknown canary_pending');
    world.result = PROVED;
    await look();
    expect(state()).toBe('enforcing');
    await stop();
  });

  it('tries a canary at once when that begins and when it ends, whoever else saw it', async () => {
    const { clock, world, seen, state, stop } = open();
    await settle();
    expect([seen.runs, state()]).toEqual([1, 'enforcing']);
    for (const [opened, before, after] of [
      [[causeOf('break_glass')], 'bypassed break_glass canary_pending', 'enforcing break_glass'],
      [[], 'unknown canary_pending', 'enforcing'],
    ] as const) {
      await clock.advance(1);
      world.opened = opened;
      expect(state()).toBe(before);
      await settle();
      await clock.advance(SETTLE_MS);
      expect(state()).toBe(after);
    }
    expect(seen.runs).toBe(3);
    await stop();
  });

  it('takes findings anew with each canary, each code once', async () => {
    const { world, state, look, stop } = open();
    world.missing = '/opt/x';
    world.findings = [SUSPICION, { ...SUSPICION, code: 'verifier_missing' }];
    await look();
    expect(state()).toBe('enforcing verifier_missing registry_mirrors');
    world.findings = [];
    await look();
    expect(state()).toBe('enforcing verifier_missing');
    await stop();
  });

  it('says that the configuration could not be read', async () => {
    const { world, state, look, stop } = open();
    world.findings = new AgentError('containerd_unavailable', 'no');
    await look();
    expect(state()).toBe('enforcing configuration_unread');
    await stop();
  });

  it('tells of another state that has the same causes', async () => {
    const { clock, world, seen, look, watch, stop } = open();
    await settle();
    world.findings = [SUSPICION];
    world.result = NEITHER;
    await look();
    await clock.advance(1);
    watch.containerdGone();
    await look();
    expect(seen.told).toEqual([
      'enforcing',
      'enforcing registry_mirrors containerd_unavailable',
      'bypassed registry_mirrors containerd_unavailable',
    ]);
    await stop();
  });

  it('tells of each change once', async () => {
    const { world, seen, look, stop } = open();
    await settle();
    await look();
    world.result = REFUTED;
    await look();
    await look();
    world.findings = [SUSPICION];
    await look();
    world.result = PROVED;
    await look();
    expect(seen.told).toEqual([
      'enforcing',
      'bypassed unsigned_image_came_in',
      'bypassed unsigned_image_came_in registry_mirrors',
      'enforcing registry_mirrors',
    ]);
    await stop();
  });

  it('keeps nothing of a canary that its end broke off', async () => {
    const { world, seen, state, stop } = open();
    world.result = NEITHER;
    await stop();
    expect(seen.results).toEqual([]);
    expect(state()).toBe('unknown canary_pending');
  });
});

// When Kubernetes is told of the state, and what comes of it when that fails.
import { describe, expect, it } from 'vitest';
import { NodeReport, reporterOf } from '../../../agent/commands/run/node-report.ts';
import { causeOf } from '../../../agent/enforcement/causes.ts';
import type { Enforcement } from '../../../agent/enforcement/state.ts';
import { AgentError } from '../../../agent/errors.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { startKubernetesApi } from '../../support/kubernetes-api.ts';

const START_MS = Date.parse('2026-08-22T10:00:00Z');
const ENFORCING: Enforcement = { state: 'enforcing', causes: [], provedAt: new Date(START_MS) };
const STALE: Enforcement = {
  state: 'unknown',
  causes: [causeOf('canary_stale')],
  provedAt: new Date(START_MS),
};
const FAULT = new AgentError('kubernetes_failed', 'found 403');
const WARNING = 'the node object is out of date: found 403';
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** A world whose clock each sleep moves on. */
function open({ random = 0 } = {}) {
  const world = {
    nowMs: START_MS,
    found: ENFORCING,
    fault: undefined as Error | undefined,
    onReport: () => undefined as unknown,
  };
  const told: string[] = [];
  const stop = new AbortController();
  const second = () => (world.nowMs - START_MS) / SECOND_MS;
  let endMs = START_MS;
  let during: (second: number) => void = () => undefined;
  const report = new NodeReport({
    enforcement: () => world.found,
    report: ({ state }) => {
      told.push(`${second()} ${state}`);
      world.onReport();
      return world.fault === undefined ? Promise.resolve() : Promise.reject(world.fault);
    },
    clock: {
      now: () => new Date(world.nowMs),
      sleep: (ms, signal) => {
        if (!signal.aborted) world.nowMs += ms;
        if (world.nowMs >= endMs) stop.abort();
        during(second());
        return Promise.resolve();
      },
    },
    random: () => random,
    log: {
      info: (_: object, text: string) => void told.push(text),
      warn: (_: object, text: string) => void told.push(text),
    } as never,
    metrics: { countError: (code) => void told.push(code) },
  });
  /** Runs for so many minutes, and does something after each sleep. */
  const run = async (minutes: number, each: typeof during = () => undefined) => {
    endMs = START_MS + minutes * MINUTE_MS;
    during = each;
    await report.run(stop.signal);
    return told;
  };
  return { world, told, report, stop, run };
}

describe('the report of this node', () => {
  it('is made at the start, and again each five minutes', async () => {
    expect(await open().run(12)).toEqual(['0 enforcing', '300 enforcing', '600 enforcing']);
  });

  it('is made when the state or its causes change, within seconds, although nobody woke it', async () => {
    const { world, run } = open();
    const told = await run(1, (second) => {
      if (second >= 30) world.found = STALE;
    });
    expect(told).toEqual(['0 enforcing', '30 unknown']);
  });

  it('is made at once when it is woken by a change, and not when nothing changed', async () => {
    const { world, report, run } = open();
    world.onReport = () => {
      world.found = STALE;
      report.wake();
    };
    expect(await run(1)).toEqual(['0 enforcing', '0 unknown']);
  });

  it('is made although the clock jumped back', async () => {
    const { world, run } = open();
    let jumped = false;
    const told = await run(3, (second) => {
      if (second < 15 || jumped) return;
      jumped = true;
      world.nowMs -= 60 * MINUTE_MS;
    });
    expect(told.slice(0, 2)).toEqual(['0 enforcing', '-3585 enforcing']);
  });
});

describe('a report that fails', () => {
  it('is tried again ever later, counted each time, and logged once', async () => {
    const { world, run } = open();
    world.fault = FAULT;
    const told = await run(15);
    const tries = told.filter((text) => text.endsWith('enforcing')).map((text) => parseInt(text));
    expect(tries).toEqual([0, 5, 15, 35, 75, 155, 315, 615]);
    expect(told.filter((text) => text === 'kubernetes_failed')).toHaveLength(tries.length);
    expect(told.filter((text) => text === WARNING)).toHaveLength(1);
  });

  it('is tried again sooner by chance, but by no more than half', async () => {
    const { world, run } = open({ random: 1 });
    world.fault = FAULT;
    const told = await run(0.1);
    expect(told.filter((text) => text.endsWith('enforcing'))).toEqual([
      '0 enforcing',
      '2.5 enforcing',
    ]);
  });

  it('is logged again for another fault but for no other state, and its end is told', async () => {
    const { world, run } = open();
    world.fault = FAULT;
    const told = await run(3, (second) => {
      if (second >= 15) world.found = STALE;
      if (second >= 20) world.fault = new AgentError('kubernetes_failed', 'found 500');
      if (second >= 40) world.fault = undefined;
    });
    expect(told.filter((text) => text.startsWith('the node object is out of date'))).toEqual([
      WARNING,
      'the node object is out of date: found 500',
    ]);
    expect(told.slice(-2)).toEqual([
      expect.stringMatching(/ unknown$/),
      'the node object shows the state',
    ]);
  });

  it('is no failure when it was broken off by the end of the agent', async () => {
    const { world, told, stop, report } = open();
    world.fault = FAULT;
    const running = report.run(stop.signal);
    stop.abort();
    await running;
    expect(told).toEqual(['0 enforcing']);
  });

  it('by a fault of our own is not hidden', async () => {
    const { world, run } = open();
    world.fault = new TypeError('ours');
    await expect(run(1)).rejects.toThrow('ours');
  });
});

describe('the reporter', () => {
  const { signal } = new AbortController();

  it('is none where no node is named', () => {
    expect(reporterOf({ nodeName: undefined }, {})).toBeUndefined();
  });

  it('tells the API server of the pod', async () => {
    const api = await startKubernetesApi('node-1');
    const report = reporterOf({ nodeName: 'node-1' }, api.environment, api.serviceAccountDir);
    await report?.(STALE, new Date(START_MS), signal);
    expect(api.labels['nodeseal.io/enforcement']).toBe('unknown');
    expect(api.conditions.get('NodesealEnforcing')).toMatchObject({ reason: 'CanaryStale' });
  });

  it('fails outside a pod', async () => {
    const report = reporterOf({ nodeName: 'node-1' }, {});
    await expectCodeAsync(
      report?.(STALE, new Date(), signal) ?? Promise.resolve(),
      'kubernetes_failed',
    );
  });
});

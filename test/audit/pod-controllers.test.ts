// What made the pods, asked of a Kubernetes that we hold by the hand.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Controller } from '../../agent/audit/container.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { PodControllers } from '../../agent/audit/pod-controllers.ts';
import { AgentError } from '../../agent/errors.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { containerOf } from './images.ts';

const CART = { kind: 'ReplicaSet', name: 'cart-7d9' };
const HALF_MINUTE = 30_000;

let ledger: Ledger;
let clock: FakeClock;
let stop: AbortController;
let running: Promise<void>;
let pods: Map<string, Controller | null>;
let controllers: PodControllers;
let failure: Error | undefined;
let incidents: string[];
let lists = 0;
beforeEach(async () => {
  ledger = openLedger(':memory:');
  clock = new FakeClock();
  stop = new AbortController();
  pods = new Map();
  failure = undefined;
  incidents = [];
  lists = 0;
  controllers = new PodControllers({
    ...{ containers: ledger.containers, clock, random: () => 0 },
    list: () => {
      lists += 1;
      return failure === undefined ? Promise.resolve(pods) : Promise.reject(failure);
    },
    onIncident: ({ code }) => incidents.push(code),
  });
  running = controllers.run(stop.signal);
  await settle();
});
afterEach(async () => {
  stop.abort();
  await running;
  ledger.close();
});

async function run(...ids: readonly string[]): Promise<void> {
  ledger.containers.reconcile(
    ids.map((id) => containerOf(id)),
    clock.now(),
  );
  controllers.wake();
  await settle();
}

const known = () => ledger.containers.all().map(({ id, controller }) => [id, controller]);

describe('the controllers of pods', () => {
  it('are not asked for while nothing runs', () => {
    expect(lists).toBe(0);
  });

  it('are asked for once a pod runs that is not known, and kept', async () => {
    pods.set('uid-c1', CART).set('uid-c2', null).set('uid-elsewhere', CART);
    await run('c1', 'c2');
    expect(known()).toEqual([
      ['c1', CART],
      ['c2', null],
    ]);
    expect(lists).toBe(1);
    await clock.advance(HALF_MINUTE);
    await run('c1', 'c2');
    expect(lists).toBe(1);
  });

  it('are asked for twice in a minute at most', async () => {
    await run('c1');
    await run('c1', 'c2');
    await clock.advance(HALF_MINUTE - 1);
    expect(lists).toBe(1);
    await clock.advance(1);
    expect(lists).toBe(2);
  });

  it('are not asked for again for a pod that Kubernetes does not know', async () => {
    await run('c1');
    await clock.advance(HALF_MINUTE);
    await run('c1');
    expect(lists).toBe(1);
    pods.set('uid-c1', CART);
    await run('c1', 'c2');
    expect(known()).toContainEqual(['c1', CART]);
  });

  it('are asked for ever more rarely while that fails, each time with an incident', async () => {
    failure = new AgentError('kubernetes_failed', 'forbidden');
    await run('c1');
    for (const waitMs of [2 * HALF_MINUTE, 4 * HALF_MINUTE, 8 * HALF_MINUTE]) {
      const before = lists;
      await clock.advance(waitMs - 1);
      expect(lists).toBe(before);
      await clock.advance(1);
      expect(lists).toBe(before + 1);
    }
    failure = undefined;
    pods.set('uid-c1', CART);
    await clock.advance(16 * HALF_MINUTE);
    expect(known()).toEqual([['c1', CART]]);
    expect(incidents).toEqual(Array(4).fill('kubernetes_failed'));
  });

  it('are forgotten with the pods', async () => {
    pods.set('uid-c1', CART);
    await run('c1');
    await run();
    await run('c1');
    expect(known()).toEqual([['c1', null]]);
  });

  it('fail with the ledger', async () => {
    const broken = {
      podsUnknown: () => {
        throw new AgentError('ledger_failed', 'disk full');
      },
      recordControllers: () => undefined,
    };
    const options = { containers: broken, clock, list: () => Promise.resolve(pods) };
    await expectCodeAsync(new PodControllers(options).run(stop.signal), 'ledger_failed');
  });
});

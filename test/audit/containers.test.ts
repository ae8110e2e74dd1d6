// The containers against a CRI that we hold by the hand.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeContainer } from '../../agent/audit/container.ts';
import { type ContainerSource, followContainers } from '../../agent/audit/containers.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { AgentError } from '../../agent/errors.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { containerOf, recordOf, REPOSITORY } from './images.ts';

class FakeCri implements ContainerSource {
  readonly running: NodeContainer[] = [];
  calls: string[] = [];
  listError: AgentError | undefined;
  #queue: (string | AgentError)[] = [];
  #wake = (): void => {};

  async push(...events: readonly (string | AgentError)[]): Promise<void> {
    this.#queue.push(...events);
    this.#wake();
    await settle();
  }

  async *events(signal: AbortSignal): AsyncGenerator<string> {
    this.calls.push('subscribe');
    while (!signal.aborted) {
      const event = this.#queue.shift();
      if (event instanceof AgentError) throw event;
      if (event !== undefined) yield event;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  }

  list(): Promise<readonly NodeContainer[]> {
    this.calls.push('list');
    if (this.listError !== undefined) return Promise.reject(this.listError);
    return Promise.resolve([...this.running]);
  }
}

let ledger: Ledger;
let cri: FakeCri;
let clock: FakeClock;
let stop: AbortController;
let running: Promise<void>;
let incidents: string[];
let changes = 0;
beforeEach(() => {
  ledger = openLedger(':memory:');
  cri = new FakeCri();
  clock = new FakeClock();
  stop = new AbortController();
  incidents = [];
  changes = 0;
});
afterEach(async () => {
  stop.abort();
  await running;
  ledger.close();
});

async function start(): Promise<void> {
  running = followContainers(
    {
      ...{ containers: ledger.containers, source: cri, clock },
      onChange: () => (changes += 1),
      onIncident: ({ code }) => incidents.push(code),
    },
    stop.signal,
  );
  await settle();
}

const ids = () => ledger.containers.all().map(({ id }) => id);

describe('followContainers', () => {
  it('subscribes, then lists', async () => {
    cri.running.push(containerOf('c1'));
    await start();
    expect(cri.calls).toEqual(['subscribe', 'list']);
    expect(ids()).toEqual(['c1']);
    expect(ledger.moment('containers_listed')).toEqual(clock.now());
    expect(changes).toBe(1);
  });

  it('lists once more after a while, when the images that containers name are known', async () => {
    const runs = recordOf(`${REPOSITORY}:v1`, 1);
    cri.running.push(containerOf('c1', { images: [runs.name] }));
    await start();
    expect(ledger.containers.all()).toMatchObject([{ digest: null }]);
    ledger.reconcileImages([runs], clock.now());
    await clock.advance(10_000);
    expect(ledger.containers.all()).toMatchObject([{ digest: runs.target.digest }]);
    expect([cri.calls, changes]).toEqual([['subscribe', 'list', 'list'], 2]);
    await clock.advance(60_000);
    expect(cri.calls).toEqual(['subscribe', 'list', 'list']);
  });

  it('lists once for many events, soon, and once more when all of it has settled', async () => {
    await start();
    cri.calls = [];
    cri.running.push(containerOf('c1'));
    await cri.push('start', 'start', 'delete');
    await clock.advance(500);
    await cri.push('start');
    expect(cri.calls).toEqual([]);
    await clock.advance(500);
    expect(cri.calls).toEqual(['list']);
    expect(ids()).toEqual(['c1']);
    cri.running.pop();
    await clock.advance(9_999);
    expect(cri.calls).toEqual(['list']);
    await clock.advance(1);
    expect(cri.calls).toEqual(['list', 'list']);
    expect(ids()).toEqual([]);
    expect(changes).toBe(2);
    await clock.advance(60_000);
    expect(cri.calls).toEqual(['list', 'list']);
  });

  it('lists once a second at most while containers begin and end without pause', async () => {
    await start();
    cri.calls = [];
    for (let n = 0; n < 100; n += 1) {
      await cri.push('start');
      await clock.advance(100);
    }
    expect(cri.calls).toHaveLength(10);
  });

  it('finds by listing again what no event told', async () => {
    await start();
    cri.running.push(containerOf('c1'));
    await clock.advance(10 * 60 * 1000);
    expect(ids()).toEqual(['c1']);
  });

  it('subscribes and lists again when the stream breaks or a list fails', async () => {
    await start();
    await cri.push(new AgentError('containerd_unavailable', 'gone'));
    cri.listError = new AgentError('containerd_failed', 'CRI is off');
    await clock.advance(5000);
    cri.listError = undefined;
    cri.running.push(containerOf('c1'));
    await clock.advance(5000);
    expect(incidents).toEqual(['containerd_unavailable', 'containerd_failed']);
    expect(ids()).toEqual(['c1']);
  });

  it('ends when it is told to, without an incident', async () => {
    await start();
    stop.abort();
    await running;
    expect(incidents).toEqual([]);
  });

  it('fails with the ledger', async () => {
    const broken = {
      reconcile: () => {
        throw new AgentError('ledger_failed', 'disk full');
      },
    };
    await expectCodeAsync(
      followContainers({ containers: broken, source: cri, clock }, stop.signal),
      'ledger_failed',
    );
    running = Promise.resolve();
  });
});

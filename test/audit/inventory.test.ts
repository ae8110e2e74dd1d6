// The inventory against an image store that we hold by the hand.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImageRecord } from '../../agent/audit/image-key.ts';
import { followInventory, type ImageEvent, type ImageSource } from '../../agent/audit/inventory.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { AgentError } from '../../agent/errors.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { digestOf, pulledRecords, recordOf, REPOSITORY } from './images.ts';

const TAG = `${REPOSITORY}:v1`;

class FakeStore implements ImageSource {
  readonly records = new Map<string, ImageRecord>();
  readonly calls: string[] = [];
  invalid: AgentError[] = [];
  getError: AgentError | undefined;
  #queue: (ImageEvent | AgentError)[] = [];
  #wake = (): void => {};

  put(...records: readonly ImageRecord[]): void {
    for (const record of records) this.records.set(record.name, record);
  }

  async push(event: ImageEvent | AgentError): Promise<void> {
    this.#queue.push(event);
    this.#wake();
    await settle();
  }

  async *events(signal: AbortSignal): AsyncGenerator<ImageEvent> {
    this.calls.push('subscribe');
    while (!signal.aborted) {
      const event = this.#queue.shift();
      if (event instanceof AgentError) throw event;
      if (event !== undefined) yield event;
      else await this.#next(signal);
    }
  }

  async #next(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  list(): Promise<{ images: readonly ImageRecord[]; invalid: readonly AgentError[] }> {
    this.calls.push('list');
    return Promise.resolve({ images: [...this.records.values()], invalid: this.invalid });
  }

  get(name: string): Promise<ImageRecord | null> {
    this.calls.push(`get ${name}`);
    if (this.getError !== undefined) return Promise.reject(this.getError);
    return Promise.resolve(this.records.get(name) ?? null);
  }
}

let ledger: Ledger;
let store: FakeStore;
let clock: FakeClock;
let stop: AbortController;
let running: Promise<void>;
let incidents: AgentError[];
let changes = 0;
let reconciled = 0;
beforeEach(() => {
  ledger = openLedger(':memory:');
  store = new FakeStore();
  clock = new FakeClock();
  stop = new AbortController();
  incidents = [];
  changes = 0;
  reconciled = 0;
});
afterEach(async () => {
  stop.abort();
  await running;
  ledger.close();
});

async function start(): Promise<void> {
  running = followInventory(
    {
      ledger,
      source: store,
      clock,
      onChange: () => (changes += 1),
      onReconciled: () => (reconciled += 1),
      onIncident: (error) => incidents.push(error),
    },
    stop.signal,
  );
  await settle();
}

function digests(): string[] {
  return ledger.images().map(({ digest }) => digest);
}

describe('followInventory', () => {
  it('subscribes, then lists', async () => {
    store.put(...pulledRecords(1));
    await start();
    expect(store.calls).toEqual(['subscribe', 'list']);
    expect(digests()).toEqual([digestOf(1)]);
    expect([changes, reconciled]).toEqual([1, 1]);
  });

  it('asks for the record that an event is about', async () => {
    await start();
    expect([changes, reconciled]).toEqual([0, 1]);
    store.put(recordOf(TAG, 2));
    await store.push({ kind: 'created', name: TAG });
    expect(digests()).toEqual([digestOf(2)]);
    store.put(recordOf(TAG, 3));
    await store.push({ kind: 'updated', name: TAG });
    expect(digests()).toEqual([digestOf(3)]);
    store.records.clear();
    await store.push({ kind: 'deleted', name: TAG });
    expect(digests()).toEqual([]);
    expect(changes).toBe(3);
  });

  it('tells of no change when nothing changed', async () => {
    store.put(recordOf(TAG, 1));
    await start();
    await store.push({ kind: 'updated', name: TAG });
    expect(changes).toBe(1);
  });

  it('keeps an image that came back before its deletion was looked at', async () => {
    store.put(recordOf(TAG, 1));
    await start();
    await store.push({ kind: 'deleted', name: TAG });
    expect(digests()).toEqual([digestOf(1)]);
  });

  it('subscribes and lists again when the stream breaks', async () => {
    await start();
    await store.push(new AgentError('containerd_unavailable', 'gone'));
    store.put(...pulledRecords(1));
    expect(incidents.map(({ code }) => code)).toEqual(['containerd_unavailable']);
    expect(store.calls).toEqual(['subscribe', 'list']);
    await clock.advance(5000);
    expect(store.calls).toEqual(['subscribe', 'list', 'subscribe', 'list']);
    expect(digests()).toEqual([digestOf(1)]);
  });

  it('finds by listing again what no event told', async () => {
    await start();
    store.put(...pulledRecords(1));
    await clock.advance(10 * 60 * 1000);
    expect(store.calls).toEqual(['subscribe', 'list', 'list']);
    expect(digests()).toEqual([digestOf(1)]);
  });

  it('reports records that cannot be read and keeps the others', async () => {
    store.put(...pulledRecords(1));
    store.invalid = [new AgentError('descriptor_invalid', 'size')];
    await start();
    store.getError = new AgentError('digest_invalid', 'digest');
    await store.push({ kind: 'created', name: 'x' });
    expect(incidents.map(({ code }) => code)).toEqual(['descriptor_invalid', 'digest_invalid']);
    expect(store.calls).toEqual(['subscribe', 'list', 'get x']);
    expect(digests()).toEqual([digestOf(1)]);
  });

  it('starts over when a record cannot be fetched', async () => {
    await start();
    store.getError = new AgentError('containerd_unavailable', 'gone');
    await store.push({ kind: 'created', name: 'x' });
    await clock.advance(5000);
    expect(store.calls).toEqual(['subscribe', 'list', 'get x', 'subscribe', 'list']);
  });

  it('ends when it is told to, without an incident', async () => {
    await start();
    stop.abort();
    await running;
    expect(incidents).toEqual([]);
  });

  it('fails with the ledger', async () => {
    const broken = {
      recordImage: ledger.recordImage.bind(ledger),
      forgetImage: ledger.forgetImage.bind(ledger),
      reconcileImages: () => {
        throw new AgentError('ledger_failed', 'disk full');
      },
    };
    const failing = followInventory({ ledger: broken, source: store, clock }, stop.signal);
    await expectCodeAsync(failing, 'ledger_failed');
    running = Promise.resolve();
  });
});

// What every source of containerd's log must do, whatever it reads from. Run by the tests of each.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import type {
  FollowIncident,
  FollowRequest,
  LogPosition,
  LogSource,
} from '../../../agent/node/journald/source.ts';
import { realtimeUs } from '../../support/journal.ts';

/** What takes longer does not come. */
const PATIENCE_MS = 60_000;

/** A log, and a way to write to it as its real writers do. */
export interface SourceHarness {
  /** A source of the log as a newly started agent would make it. */
  create(): LogSource;
  /** Writes entries `from` to `to`, each with the message `messageOf` and the time `realtimeUs` of it. */
  write(from: number, to: number): Promise<void>;
  /** Writes entry `n` with a message of any bytes but a line end. */
  writeRaw(n: number, message: Buffer): Promise<void>;
  /** Removes all that was written, as a vacuum does. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

/** The line that is entry `n`. */
export function messageOf(n: number): string {
  const ms = Math.floor(realtimeUs(n) / 1000);
  return `time="${new Date(ms).toISOString()}" level=info msg="message ${n}"`;
}

/** Declares the suite. */
export function describeSource(name: string, open: () => Promise<SourceHarness>): void {
  describe(`${name}, as a source of containerd's log`, () => {
    let log: SourceHarness;
    beforeEach(async () => {
      log = await open();
    });
    afterEach(() => log.close());

    it('yields what is there and what comes, in order, each once', async () => {
      await log.write(1, 3);
      const follower = start(log.create());
      await follower.until(3);
      await log.write(4, 4);
      await follower.until(4);
      await log.write(5, 9);
      expect(await follower.until(9)).toEqual(messages(1, 9));
      expect(await follower.stop()).toEqual(messages(1, 9));
      expect(follower.incidents).toEqual([]);
    });

    it('waits where there is nothing yet', async () => {
      const follower = start(log.create());
      await log.write(1, 2);
      expect(await follower.until(2)).toEqual(messages(1, 2));
      await follower.stop();
    });

    it('starts after any entry, also of what was written while nobody followed', async () => {
      await log.write(1, 3);
      const first = start(log.create());
      await first.until(3);
      await first.stop();
      await log.write(4, 6);
      for (const [index, after] of first.entries.entries()) {
        const next = start(log.create(), { after: positionOf(after) });
        expect(await next.until(5 - index)).toEqual(messages(index + 2, 6));
        await next.stop();
        expect(next.incidents).toEqual([]);
      }
    });

    it('tells of each entry the position that JSON can keep', async () => {
      await log.write(1, 2);
      const follower = start(log.create());
      await follower.until(2);
      await follower.stop();
      const [first] = follower.entries;
      if (first === undefined) throw new TypeError('no entry');
      expect(first.realtimeUs).toBe(realtimeUs(1));
      expect(first.cursor.length).toBeLessThanOrEqual(1024);
      const after = JSON.parse(JSON.stringify(positionOf(first))) as LogPosition;
      const next = start(log.create(), { after });
      expect(await next.until(1)).toEqual(messages(2, 2));
      await next.stop();
    });

    it('starts at a time where nothing was handled yet', async () => {
      await log.write(1, 5);
      const follower = start(log.create(), { since: new Date(realtimeUs(4) / 1000) });
      expect(await follower.until(2)).toEqual(messages(4, 5));
      await follower.stop();
    });

    it('ends by the signal, without an error', async () => {
      const before = start(log.create(), { signal: AbortSignal.abort() });
      await before.ended;
      expect(before.entries).toEqual([]);

      const idle = start(log.create());
      await idle.stop();
      await log.write(1, 1);
      expect(idle.entries).toEqual([]);
    });

    it('ends with its consumer, and can be followed again', async () => {
      await log.write(1, 2);
      const source = log.create();
      const found: JournalEntry[] = [];
      for await (const batch of source.follow(requestOf({}))) {
        found.push(...batch);
        break;
      }
      const [last] = found.slice(-1);
      if (last === undefined) throw new TypeError('no entry');
      await log.write(3, 3);
      const next = start(source, { after: positionOf(last) });
      const rest = messages(1, 3).slice(found.length);
      expect(await next.until(rest.length)).toEqual(rest);
      await next.stop();
    });

    it('hands the same entries over again when they were not recorded', async () => {
      await log.write(1, 2);
      const source = log.create();
      // The consumer fails while it has the batch, so it has no position either.
      const failing = source.follow(requestOf({}));
      await failing.next();
      await failing.return();
      const again = start(source);
      expect(await again.until(2)).toEqual(messages(1, 2));
      await again.stop();
    });

    it('reads on behind what nobody should write', async () => {
      await log.write(1, 1);
      await log.writeRaw(2, Buffer.from([0xff, 0xfe, 0x80, 0x20, 0x61, 0x00, 0x62]));
      await log.writeRaw(3, Buffer.alloc(300_000, 'x'));
      await log.writeRaw(4, Buffer.from(`${messageOf(9)} reason="\\n${messageOf(8)}`));
      await log.write(5, 6);
      const follower = start(log.create());
      const last = messageOf(6);
      await follower.untilSeen(last);
      await follower.stop();
      const found = follower.entries.map(({ message }) => message);
      expect(found.filter((message) => messages(1, 6).includes(message))).toEqual([
        ...messages(1, 1),
        ...messages(5, 6),
      ]);
      for (const { message, truncated } of follower.entries) {
        if (!truncated) expect(message.length).toBeLessThanOrEqual(256 * 1024);
      }
    });

    it('goes on with what is newer where its place is gone, and tells', async () => {
      await log.write(1, 2);
      const first = start(log.create());
      await first.until(2);
      await first.stop();
      const [, after] = first.entries;
      if (after === undefined) throw new TypeError('no second entry');
      await log.write(3, 5);
      await log.lose();
      await log.write(6, 7);
      const next = start(log.create(), { after: positionOf(after) });
      expect(await next.until(2)).toEqual(messages(6, 7));
      await next.stop();
      expect(next.incidents.map(({ kind }) => kind)).toContain('gap');
    });
  });
}

/** Follows in the background, as the agent does. */
export interface Follower {
  /** Without those that only tell where they stand. */
  readonly entries: readonly JournalEntry[];
  /** Without `caught_up`. */
  readonly incidents: readonly FollowIncident[];
  /** Resolves with the messages once there are `count`. */
  until(count: number): Promise<readonly string[]>;
  untilSeen(message: string): Promise<void>;
  untilIncident(): Promise<void>;
  /** Aborts, waits for the end, and resolves with all messages. */
  stop(): Promise<readonly string[]>;
  readonly ended: Promise<void>;
}

export function start(source: LogSource, request: Partial<FollowRequest> = {}): Follower {
  const stop = new AbortController();
  const entries: JournalEntry[] = [];
  const incidents: FollowIncident[] = [];
  const waiting = new Set<() => void>();
  const text = (): readonly string[] => entries.map(({ message }) => message);
  const run = async (): Promise<void> => {
    const onIncident = (incident: FollowIncident): void => {
      if (incident.kind !== 'caught_up') incidents.push(incident);
      for (const look of waiting) look();
    };
    for await (const batch of source.follow({
      ...requestOf(request),
      signal: request.signal ?? stop.signal,
      onIncident,
    })) {
      entries.push(...batch.filter(({ message }) => message !== ''));
      for (const look of waiting) look();
    }
  };
  const ended = run();
  const until = async (what: () => string | undefined): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (what() === undefined) resolve(true);
    };
    const timer = setTimeout(() => {
      reject(new Error(`${what() ?? ''}; incidents: ${JSON.stringify(incidents.slice(-9))}`));
    }, PATIENCE_MS);
    waiting.add(look);
    look();
    // One that ends too early is not waited for.
    ended.then(look, reject);
    await promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(look);
    });
  };
  return {
    entries,
    incidents,
    ended,
    until: async (count) => {
      await until(() =>
        entries.length >= count
          ? undefined
          : `expected ${count} entries, found ${entries.length}, ending with ${text().slice(-9).join('; ')}`,
      );
      return text();
    },
    untilSeen: (message) =>
      until(() =>
        text().includes(message) ? undefined : `expected ${message}, found ${entries.length}`,
      ),
    untilIncident: () =>
      until(() => (incidents.length > 0 ? undefined : 'expected an incident, found none')),
    stop: async () => {
      stop.abort();
      await ended;
      return text();
    },
  };
}

export function positionOf({ cursor, realtimeUs: us }: JournalEntry): LogPosition {
  return { cursor, realtimeUs: us };
}

export function messages(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => messageOf(from + index));
}

function requestOf(request: Partial<FollowRequest>): FollowRequest {
  return {
    since: new Date(0),
    signal: new AbortController().signal,
    onIncident: () => undefined,
    ...request,
  };
}

// What is told once, what is joined, and how fast, when Kubernetes is slow, gone or refuses.
import { describe, expect, it } from 'vitest';
import {
  type Notice,
  type NoticeSent,
  type NoticeSeries,
  Notices,
} from '../../agent/audit/notices.ts';
import { AgentError } from '../../agent/errors.ts';
import { FakeClock, settle } from './fake-clock.ts';

const FAULT = new AgentError('kubernetes_failed', 'found 503');
const LATER: NoticeSent = { kind: 'later', error: FAULT, afterMs: 0 };

function noticeOn(name: string, message = 'refused'): Notice {
  const subject = { kind: 'Pod', namespace: 'shop', name, uid: name, fieldPath: '' } as const;
  return { subject, type: 'Warning', reason: 'ImageRefused', message, about: 'app:1' };
}

function open() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sent: NoticeSeries[] = [];
  const outcomes: (string | null)[] = [];
  const world = {
    answer: { kind: 'sent' } as NoticeSent,
    dropped: 0,
    onSend: () => undefined as unknown,
  };
  const notices = new Notices({
    send: (series) => {
      sent.push(series);
      world.onSend();
      return Promise.resolve(world.answer);
    },
    onOutcome: (error) => void outcomes.push(error?.message ?? null),
    onDropped: () => (world.dropped += 1),
    clock,
    random: () => 0,
  });
  const names = () => sent.map(({ subject }) => subject.name);
  return { clock, stop, sent, outcomes, world, notices, names };
}

/** Runs it while the body does. */
async function running(body: (opened: ReturnType<typeof open>) => Promise<void>): Promise<void> {
  const opened = open();
  const ended = opened.notices.run(opened.stop.signal);
  await settle();
  try {
    await body(opened);
  } finally {
    opened.stop.abort();
    await ended;
  }
}

describe('a notice', () => {
  it('is sent at once, with when it happened', () =>
    running(async ({ notices, sent, clock, outcomes }) => {
      notices.raise(noticeOn('a'));
      await settle();
      expect(sent).toEqual([
        { ...noticeOn('a'), count: 1, firstAt: clock.now(), lastAt: clock.now() },
      ]);
      expect(outcomes).toEqual([null]);
    }));

  it('that is raised again soon is sent once more after half a minute, with all that came', () =>
    running(async ({ notices, sent, clock }) => {
      notices.raise(noticeOn('a'));
      await settle();
      await clock.advance(10_000);
      const first = clock.now();
      notices.raise(noticeOn('a', 'second'));
      await clock.advance(5000);
      notices.raise(noticeOn('a', 'third'));
      await settle();
      expect(sent).toHaveLength(1);
      await clock.advance(15_000);
      expect(sent[1]).toMatchObject({ message: 'third', count: 2, firstAt: first });
    }));

  it('does not wait for another that was sent a moment ago', () =>
    running(async ({ notices, names }) => {
      notices.raise(noticeOn('a'));
      await settle();
      notices.raise(noticeOn('b'));
      await settle();
      expect(names()).toEqual(['a', 'b']);
    }));
});

describe('many notices', () => {
  it('go twenty at once, and then one each two seconds', () =>
    running(async ({ notices, sent, clock }) => {
      for (let index = 0; index < 30; index += 1) notices.raise(noticeOn(`pod-${index}`));
      await settle();
      for (let turn = 0; turn < 20; turn += 1) await settle();
      expect(sent).toHaveLength(20);
      await clock.advance(2000);
      expect(sent).toHaveLength(21);
      await clock.advance(2000);
      expect(sent).toHaveLength(22);
    }));

  it('are dropped beyond those that can wait, but one that waits goes on counting', async () => {
    const { notices, world } = open();
    for (let index = 0; index < 500; index += 1) notices.raise(noticeOn(`pod-${index}`));
    expect(world.dropped).toBe(0);
    notices.raise(noticeOn('one-more'));
    expect(world.dropped).toBe(1);
    notices.raise(noticeOn('pod-0'));
    expect(world.dropped).toBe(1);
    await Promise.resolve();
  });
});

describe('a notice that cannot be sent', () => {
  it('is sent later, ever later, with all that came meanwhile', () =>
    running(async ({ notices, world, sent, clock, outcomes }) => {
      world.answer = LATER;
      notices.raise(noticeOn('a'));
      await settle();
      notices.raise(noticeOn('a', 'again'));
      const tries: number[] = [];
      for (let second = 1; second <= 40; second += 1) {
        const before = sent.length;
        await clock.advance(1000);
        if (sent.length > before) tries.push(second);
      }
      expect(tries).toEqual([5, 15, 35]);
      expect(outcomes).toEqual(Array(4).fill('found 503'));
      world.answer = { kind: 'sent' };
      await clock.advance(40_000);
      expect(sent.at(-1)).toMatchObject({ message: 'again', count: 2 });
      expect(outcomes.at(-1)).toBeNull();
    }));

  it('waits as long as the server asks for', () =>
    running(async ({ notices, world, sent, clock }) => {
      world.answer = { ...LATER, afterMs: 60_000 };
      notices.raise(noticeOn('a'));
      await settle();
      await clock.advance(59_000);
      expect(sent).toHaveLength(1);
      await clock.advance(1000);
      expect(sent).toHaveLength(2);
    }));

  it('is given up when it is refused, which holds up no other', () =>
    running(async ({ notices, world, names, outcomes, clock }) => {
      world.answer = { kind: 'refused', error: FAULT };
      notices.raise(noticeOn('a'));
      await settle();
      world.answer = { kind: 'sent' };
      notices.raise(noticeOn('b'));
      await settle();
      await clock.advance(600_000);
      expect(names()).toEqual(['a', 'b']);
      expect(outcomes).toEqual(['found 503', null]);
    }));

  it('is no failure when it is broken off', async () => {
    const { notices, world, stop, outcomes } = open();
    world.answer = LATER;
    world.onSend = () => {
      stop.abort();
    };
    notices.raise(noticeOn('a'));
    await notices.run(stop.signal);
    expect(outcomes).toEqual([]);
  });
});

// Pulls of a node, and what a webhook says of the same digests.
import { describe, expect, it } from 'vitest';
import {
  AdmissionComparison,
  type AdmissionVerdict,
} from '../../agent/audit/admission-comparison.ts';
import type { HistoryEntry, HistoryRecord } from '../../agent/audit/history-record.ts';
import { AgentError } from '../../agent/errors.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { pullOf } from './history-records.ts';
import { digestOf, REPOSITORY } from './images.ts';

const POLICY = '1'.repeat(64);
const TRUST = '2'.repeat(64);
const ALLOW: AdmissionVerdict = {
  ...{ decision: 'allow', reason: 'verified', inconclusive: false },
  ...{ policyHash: POLICY, trustHash: TRUST },
};
const DENY: AdmissionVerdict = { ...ALLOW, decision: 'deny', reason: 'signature_missing' };
const DENIED_PULL = { decision: 'deny', reason: 'signature_missing' } as const;
const FAULT = new AgentError('kubernetes_failed', 'nobody answers');
const TEN_MINUTES_MS = 10 * 60_000;

async function running(body: (world: ReturnType<typeof open>) => Promise<void>): Promise<void> {
  const world = open();
  const ended = world.comparison.run(world.stop.signal);
  await settle();
  try {
    await body(world);
  } finally {
    world.stop.abort();
    await ended;
  }
}

function open() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const lines: HistoryEntry[] = [];
  const asked: string[] = [];
  const told: string[] = [];
  const webhook = { says: ALLOW, fault: undefined as Error | undefined };
  const comparison = new AdmissionComparison({
    history: {
      lastId: () => lines.length,
      after: (id, _filter, limit) => lines.filter((line) => line.id > id).slice(0, limit),
    },
    ask: (name) => {
      asked.push(name);
      return webhook.fault === undefined
        ? Promise.resolve(webhook.says)
        : Promise.reject(webhook.fault);
    },
    onResult: (result) => void told.push(result),
    onDisagreement: ({ kind, cause }) => void told.push(`${kind} by ${cause}`),
    onOutcome: (error) => {
      if (error !== null) told.push(error.message);
    },
    clock,
  });
  const pulled = async (changed: Partial<HistoryRecord> = {}) => {
    lines.push({ ...pullOf(changed), id: lines.length + 1, admitted: true, cause: null });
    comparison.wake();
    await settle();
  };
  return { clock, stop, asked, told, webhook, comparison, pulled };
}

describe('a pull, held against the webhook', () => {
  it('is asked about by its digest, wherever its tag went', () =>
    running(async ({ asked, told, pulled }) => {
      await pulled();
      expect(asked).toEqual([`${REPOSITORY}@${digestOf(1)}`]);
      expect(told).toEqual(['agreed']);
    }));

  it.each([
    ['would admit what the node refuses', ALLOW, DENIED_PULL, 'would_admit by evidence'],
    ['would refuse what the node lets in', DENY, {}, 'would_refuse by evidence'],
    ['has another policy', { ...DENY, policyHash: '3'.repeat(64) }, {}, 'would_refuse by policy'],
    ['has other trust', { ...DENY, trustHash: null }, {}, 'would_refuse by trust'],
  ] as const)('is told of when the webhook %s', (_, says, pull, expected) =>
    running(async ({ told, webhook, pulled }) => {
      webhook.says = says;
      await pulled(pull);
      expect(told).toEqual(['disagreed', expected]);
    }),
  );

  it('is no disagreement where the policies differ and the verdicts do not', () =>
    running(async ({ told, webhook, pulled }) => {
      webhook.says = { ...ALLOW, policyHash: null };
      await pulled();
      expect(told).toEqual(['agreed']);
    }));

  it('takes hashes that the journal cut for the same', () =>
    running(async ({ told, webhook, pulled }) => {
      webhook.says = DENY;
      await pulled({ policyHash: POLICY.slice(0, 12), trustHash: TRUST.slice(0, 12) });
      expect(told).toEqual(['disagreed', 'would_refuse by evidence']);
    }));

  it('says nothing of what the webhook could not tell', () =>
    running(async ({ told, webhook, pulled }) => {
      webhook.says = { ...DENY, inconclusive: true };
      await pulled();
      expect(told).toEqual(['inconclusive']);
    }));

  it.each([
    ['could not be told', { decision: 'deny', inconclusive: true }],
    ['was decided by containerd alone', { via: 'containerd' }],
    ['was let in under break-glass', { mode: 'break_glass' }],
    ['is of no digest that is known', { digest: null }],
  ] as const)('is not asked about when it %s', (_, pull) =>
    running(async ({ asked, pulled }) => {
      await pulled(pull);
      expect(asked).toEqual([]);
    }),
  );

  it('is asked about once in a while, however often kubelet tries, and again when the verdict turns', () =>
    running(async ({ clock, asked, told, pulled }) => {
      for (let n = 0; n < 5; n += 1) await pulled();
      expect(asked).toHaveLength(1);
      await pulled(DENIED_PULL);
      expect(told).toEqual(['agreed', 'disagreed', 'would_admit by evidence']);
      await clock.advance(TEN_MINUTES_MS);
      await pulled();
      expect(asked).toHaveLength(3);
    }));

  it('is let go while nobody answers, and the next is asked about after that', () =>
    running(async ({ clock, told, webhook, pulled }) => {
      webhook.fault = FAULT;
      await pulled();
      await pulled({ digest: digestOf(2) });
      expect(told).toEqual(['failed', 'nobody answers']);
      webhook.fault = undefined;
      await clock.advance(60_000);
      expect(told).toHaveLength(2);
      await pulled({ digest: digestOf(3) });
      expect(told.slice(2)).toEqual(['agreed']);
    }));
});

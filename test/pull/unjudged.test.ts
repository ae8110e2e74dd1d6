import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import type { Invocation } from '../../agent/pull/invocation.ts';
import { letIn, refuse } from '../../agent/pull/unjudged.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const INVOCATION: Invocation = {
  name: 'registry.example:5000/team/app:v1',
  digest: DIGEST,
  descriptor: undefined,
};
const NOW = new Date('2026-08-22T10:11:12.123Z');
const ERROR = new AgentError('policy_missing', 'no policy');
const ORDER = { until: new Date('2026-08-22T12:00:00Z'), reason: 'registry is down', by: 'alice' };

/** What nobody has looked at. */
const NOTHING_KNOWN = {
  ...{ policy: null, level: null, signature: null, signer: null, results: [] },
  ...{ policyHash: null, trustHash: null, validUntil: null },
  skippedSignatures: { count: 0, first: [] },
};

describe('a pull that nobody could judge', () => {
  it('is denied for what kept us from it, as one where we could not tell', () => {
    expect(refuse(ERROR, INVOCATION, NOW, 12)).toEqual({
      ...{ decision: 'deny', reason: 'policy_missing', message: 'no policy', inconclusive: true },
      ...{ repository: 'registry.example:5000/team/app', digest: DIGEST },
      ...{ time: '2026-08-22T10:11:12.123Z', durationMs: 12 },
      ...NOTHING_KNOWN,
    });
  });

  it.each([
    ['an error of nobody’s making', new RangeError('too deep'), 'RangeError: too deep'],
    ['what is no error at all', 'thrown', 'thrown'],
  ])('is denied as an internal fault for %s', (_, error, message) => {
    expect(refuse(error, INVOCATION, NOW, 12)).toMatchObject({
      ...{ decision: 'deny', reason: 'internal', message, inconclusive: true },
    });
  });
});

describe('a pull by break-glass', () => {
  it('is allowed for sure, and says who answers for it', () => {
    expect(letIn(ORDER, INVOCATION, NOW, 12)).toEqual({
      ...{ decision: 'allow', reason: 'break_glass', inconclusive: false },
      message: 'every image is let in until 2026-08-22T12:00:00Z, by alice: registry is down',
      ...{ repository: 'registry.example:5000/team/app', digest: DIGEST },
      ...{ time: '2026-08-22T10:11:12.123Z', durationMs: 12 },
      ...NOTHING_KNOWN,
    });
  });
});

describe.each([
  ['refused', (invocation?: Invocation) => refuse(ERROR, invocation, NOW, 12)],
  ['let in', (invocation?: Invocation) => letIn(ORDER, invocation, NOW, 12)],
])('an image that is %s', (_, judge) => {
  it('is none in particular when containerd did not say which', () => {
    expect(judge()).toMatchObject({ repository: '', digest: null });
  });

  it('is known by its digest alone when its name is none', () => {
    const invocation = { ...INVOCATION, name: 'no reference' };
    expect(judge(invocation)).toMatchObject({ repository: '', digest: DIGEST });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../agent/errors.ts';
import { allowFor } from '../../../agent/notation/verification/decision.ts';
import { verifySignature } from '../../../agent/notation/verification/signature.ts';
import {
  ALLOW_REASONS,
  isReason,
  parseVerdict,
  type SkippedSignature,
  type ValidationResult,
  type Verdict,
} from '../../../agent/notation/verification/verdict.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { verdictOf } from '../../support/verdict.ts';
import { contextOf, evidenceOf, signatureOf } from './fixture.ts';

const EVALUATION = allowFor(await verifySignature(signatureOf(), contextOf(), evidenceOf()));
const RESULT: ValidationResult = {
  type: 'expiry',
  action: 'log',
  outcome: 'failed',
  code: 'signature_expired',
  message: 'expired',
};

const SKIPPED: SkippedSignature = {
  signature: `sha256:${'ef'.repeat(32)}`,
  code: 'registry_not_found',
  message: 'found 404',
};

function throughJson(verdict: object): Verdict {
  return parseVerdict(JSON.parse(JSON.stringify(verdict)));
}

function withResult(change: object): object {
  return { ...verdictOf({}), results: [{ ...RESULT, ...change }] };
}

describe('parseVerdict', () => {
  it.each([
    ['an allow', verdictOf({})],
    ['an allow with results', verdictOf(EVALUATION)],
    ['a logged failure', verdictOf({ reason: 'failure_logged', results: [RESULT] })],
    ['skipped signatures', verdictOf({ skippedSignatures: { count: 1, first: [SKIPPED] } })],
    [
      'more skipped signatures than are told',
      verdictOf({
        skippedSignatures: { count: 99, first: Array.from({ length: 5 }, () => SKIPPED) },
      }),
    ],
    [
      'a deny that knows nothing',
      verdictOf({
        decision: 'deny',
        reason: 'registry_busy',
        inconclusive: true,
        digest: null,
        policy: null,
        level: null,
        signature: null,
        signer: null,
        policyHash: null,
        trustHash: null,
      }),
    ],
  ])('gives back %s that went through JSON', (_, verdict) => {
    expect(throughJson(verdict)).toEqual(verdict);
  });

  it.each(Object.keys(verdictOf({})))('refuses a verdict without %s', (field) => {
    const fields = Object.entries(verdictOf({})).filter(([name]) => name !== field);
    expectCode(() => parseVerdict(Object.fromEntries(fields)), 'internal');
  });

  it.each<[string, unknown]>([
    ['decision', 'maybe'],
    ['reason', 'fine'],
    ['reason', 'toString'],
    ['reason', '__proto__'],
    ['message', null],
    ['inconclusive', 'false'],
    ['repository', ['registry.example/app']],
    ['digest', 'sha256:ab'],
    ['digest', 'latest'],
    ['policy', 1],
    ['signature', `SHA256:${'ab'.repeat(32)}`],
    ['signer', {}],
    ['results', {}],
    ['results', [null]],
    ['results', Array.from({ length: 6 }, () => RESULT)],
    ['policyHash', 1],
    ['trustHash', undefined],
    ['time', 0],
    ['validUntil', undefined],
    ['validUntil', 'soon'],
    ['validUntil', 1],
    ['durationMs', '12'],
    ['durationMs', Infinity],
    ['level', 'lenient'],
    ['level', undefined],
    ['skippedSignatures', null],
    ['skippedSignatures', []],
    ['skippedSignatures', { count: '0', first: [] }],
    ['skippedSignatures', { count: -1, first: [] }],
    ['skippedSignatures', { count: 0.5, first: [] }],
    ['skippedSignatures', { count: 0 }],
    ['skippedSignatures', { count: 1, first: [] }],
    ['skippedSignatures', { count: 0, first: [SKIPPED] }],
    ['skippedSignatures', { count: 6, first: Array.from({ length: 6 }, () => SKIPPED) }],
  ])('refuses a verdict with %s %j', (field, value) => {
    expectCode(() => parseVerdict({ ...verdictOf({}), [field]: value }), 'internal');
  });

  it('refuses a number that only JSON can write', () => {
    const text = JSON.stringify(verdictOf({})).replace('"durationMs":12', '"durationMs":1e999');
    expectCode(() => parseVerdict(JSON.parse(text)), 'internal');
  });

  it.each<[string, unknown]>([
    ['type', 'luck'],
    ['action', 'ignore'],
    ['outcome', 'ok'],
    ['code', 'verified'],
    ['code', 'constructor'],
    ['message', undefined],
  ])('refuses a result with %s %j', (field, value) => {
    expect(parseVerdict(withResult({}))).toEqual(withResult({}));
    expectCode(() => parseVerdict(withResult({ [field]: value })), 'internal');
  });

  it.each<[string, unknown]>([
    ['signature', 'sha256:ab'],
    ['code', 'verified'],
    ['code', undefined],
    ['message', 1],
  ])('refuses a skipped signature with %s %j', (field, value) => {
    const verdict = (change: object) => ({
      ...verdictOf({}),
      skippedSignatures: { count: 1, first: [{ ...SKIPPED, ...change }] },
    });
    expect(parseVerdict(verdict({}))).toEqual(verdict({}));
    expectCode(() => parseVerdict(verdict({ [field]: value })), 'internal');
  });

  it('refuses an allow for the reason of an error, and a deny for a reason to allow', () => {
    for (const code of Object.keys(ERROR_CODES)) {
      const verdict = { ...verdictOf({}), reason: code };
      expectCode(() => parseVerdict(verdict), 'internal');
      expect(parseVerdict({ ...verdict, decision: 'deny' }).decision).toBe('deny');
    }
    for (const reason of Object.keys(ALLOW_REASONS)) {
      const verdict = { ...verdictOf({}), reason };
      expect(parseVerdict(verdict).decision).toBe('allow');
      expectCode(() => parseVerdict({ ...verdict, decision: 'deny' }), 'internal');
    }
  });

  it('returns a verdict or throws our own error, whatever it is given', () => {
    const hostile = fc.oneof(fc.anything(), fc.jsonValue());
    const fields = fc.constantFrom(...Object.keys(verdictOf({})));
    fc.assert(
      fc.property(hostile, fields, (value, field) => {
        valueOrAgentError(() => parseVerdict(value));
        valueOrAgentError(() => parseVerdict({ ...verdictOf({}), [field]: value }));
        valueOrAgentError(() => parseVerdict(withResult({ [field]: value })));
      }),
    );
  });
});

describe('isReason', () => {
  it('knows the codes and the reasons to allow, and nothing else', () => {
    const known = [...Object.keys(ALLOW_REASONS), ...Object.keys(ERROR_CODES)];
    expect(known.filter((text) => !isReason(text))).toEqual([]);
    expect(['', 'valueOf', 'Verified', 1, null].filter(isReason)).toEqual([]);
  });
});

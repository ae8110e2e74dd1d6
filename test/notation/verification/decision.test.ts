import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../../agent/errors.ts';
import { ENFORCEMENT, type Enforcement } from '../../../agent/notation/trustpolicy/level.ts';
import {
  allowFor,
  allowSkipped,
  denyAll,
  denyFor,
  isGood,
  type UnusableSignature,
} from '../../../agent/notation/verification/decision.ts';
import { evaluate, type Evaluation } from '../../../agent/notation/verification/evaluation.ts';
import { NONE_SKIPPED, type ValidationType } from '../../../agent/notation/verification/verdict.ts';
import type { Digest } from '../../../agent/oci/digest.ts';

function digest(number: number): Digest {
  return `sha256:${String(number).padStart(64, '0')}`;
}

/** Signature `number`, in which the validations named fail with their codes. */
async function evaluation(
  number: number,
  failing: Partial<Record<ValidationType, ErrorCode>> = {},
  enforcement: Enforcement = ENFORCEMENT.strict,
): Promise<Evaluation> {
  const validate = (type: ValidationType) => () => {
    const code = failing[type];
    if (code !== undefined) throw new AgentError(code, `${code} of ${number}`);
    return `${type} of ${number}`;
  };
  const results = await evaluate(
    {
      integrity: validate('integrity'),
      authenticity: validate('authenticity'),
      expiry: validate('expiry'),
      authenticTimestamp: validate('authenticTimestamp'),
      revocation: validate('revocation'),
    },
    enforcement,
  );
  return { signature: digest(number), signer: `CN=${number}`, results, validUntil: null };
}

function unusable(number: number, code: ErrorCode): UnusableSignature {
  return { signature: digest(number), error: new AgentError(code, `${code} of ${number}`) };
}

describe('isGood', () => {
  it('asks that no enforced validation failed', async () => {
    expect(isGood(await evaluation(1))).toBe(true);
    expect(isGood(await evaluation(1, { expiry: 'signature_expired' }))).toBe(false);
    expect(
      isGood(await evaluation(1, { expiry: 'signature_expired' }, ENFORCEMENT.permissive)),
    ).toBe(true);
    expect(isGood(await evaluation(1, { revocation: 'revocation_unknown' }))).toBe(false);
  });

  it('takes no results for no proof', async () => {
    expect(isGood({ ...(await evaluation(1)), results: [] })).toBe(false);
  });
});

describe('allow', () => {
  it('names the signature and its signer', async () => {
    const good = await evaluation(1);
    expect(allowFor(good)).toEqual({
      decision: 'allow',
      reason: 'verified',
      message: 'signed by CN=1',
      inconclusive: false,
      signature: digest(1),
      signer: 'CN=1',
      results: good.results,
      skippedSignatures: NONE_SKIPPED,
      validUntil: null,
    });
  });

  it('says which failures were only logged', async () => {
    const failing = { expiry: 'signature_expired', revocation: 'revocation_unknown' } as const;
    const { reason, message } = allowFor(await evaluation(1, failing, ENFORCEMENT.permissive));
    expect(reason).toBe('failure_logged');
    expect(message).toContain(
      'expiry: signature_expired of 1; revocation: revocation_unknown of 1',
    );
  });

  it('counts what was looked at before, and tells the first of them, cut', async () => {
    const before = Array.from({ length: 7 }, (_, index) => ({
      signature: digest(index + 2),
      error: new AgentError('content_mismatch', 'x'.repeat(1000)),
    }));
    const { count, first } = allowFor(await evaluation(1), before).skippedSignatures;
    expect(count).toBe(7);
    expect(first.map(({ signature }) => signature)).toEqual([2, 3, 4, 5, 6].map(digest));
    expect(first[0]).toMatchObject({ code: 'content_mismatch', message: `${'x'.repeat(300)}…` });
  });

  it('of level skip names no signature', () => {
    expect(allowSkipped('dev')).toEqual({
      decision: 'allow',
      reason: 'skipped_by_policy',
      message: 'the policy statement "dev" skips verification',
      inconclusive: false,
      signature: null,
      signer: null,
      results: [],
      skippedSignatures: NONE_SKIPPED,
      validUntil: null,
    });
  });
});

describe('deny', () => {
  it('for an error has its code and message', () => {
    expect(denyFor(new AgentError('signature_missing', 'none found'))).toEqual({
      decision: 'deny',
      reason: 'signature_missing',
      message: 'none found',
      inconclusive: false,
      signature: null,
      signer: null,
      results: [],
      skippedSignatures: NONE_SKIPPED,
      validUntil: null,
    });
    expect(denyFor(new AgentError('registry_busy', 'later')).inconclusive).toBe(true);
  });

  it('for one signature is what that one came to', async () => {
    const bad = await evaluation(1, { expiry: 'signature_expired' });
    expect(denyAll([bad])).toEqual({
      decision: 'deny',
      reason: 'signature_expired',
      message: 'signature_expired of 1',
      inconclusive: false,
      signature: digest(1),
      signer: 'CN=1',
      results: bad.results,
      skippedSignatures: NONE_SKIPPED,
      validUntil: null,
    });
    expect(denyAll([unusable(2, 'signature_manifest_invalid')])).toEqual({
      decision: 'deny',
      reason: 'signature_manifest_invalid',
      message: 'signature_manifest_invalid of 2',
      inconclusive: false,
      signature: digest(2),
      signer: null,
      results: [],
      skippedSignatures: NONE_SKIPPED,
      validUntil: null,
    });
  });

  it('reports the signature that came furthest, whatever their order', async () => {
    const all = [
      await evaluation(1, { integrity: 'descriptor_mismatch' }),
      await evaluation(2, { authenticTimestamp: 'certificate_expired' }),
      await evaluation(3, { authenticity: 'certificate_untrusted' }),
    ];
    for (const order of [all, all.toReversed()]) {
      expect(denyAll([...order, unusable(4, 'content_mismatch')])).toMatchObject({
        reason: 'certificate_expired',
        message: 'none of 4 signatures is good; the closest: certificate_expired of 2',
        signature: digest(2),
      });
    }
  });

  it('reports a signature that was judged before one that could not be used', async () => {
    const judged = await evaluation(1, { integrity: 'signature_invalid' });
    const decided = denyAll([judged, unusable(2, 'content_mismatch')]);
    expect(decided.reason).toBe('signature_invalid');
  });

  it('is inconclusive if any signature could not be judged, since it may be the good one', async () => {
    const far = await evaluation(1, { authenticTimestamp: 'certificate_expired' });
    const late = unusable(2, 'registry_timeout');
    expect(denyAll([far, late])).toMatchObject({
      reason: 'registry_timeout',
      inconclusive: true,
      signature: digest(2),
    });
    const untold = await evaluation(3, { revocation: 'revocation_unknown' });
    expect(denyAll([far, untold])).toMatchObject({
      reason: 'revocation_unknown',
      inconclusive: true,
    });
    expect(denyAll([far, untold, late]).reason).toBe('revocation_unknown');
  });

  it('is not inconclusive for a failure behind an inconclusive one that is only logged', async () => {
    const enforcement = { ...ENFORCEMENT.strict, authenticTimestamp: 'log' } as const;
    const failing = {
      authenticTimestamp: 'deadline_exceeded',
      revocation: 'internal',
    } as const;
    expect(denyAll([await evaluation(1, failing, enforcement)]).reason).toBe('internal');
    const expired = { ...failing, revocation: 'certificate_expired' } as const;
    expect(denyAll([await evaluation(1, expired, enforcement)])).toMatchObject({
      reason: 'certificate_expired',
      inconclusive: false,
    });
  });

  it('tells of the others in their order, whichever it is for', async () => {
    const [gone, untrusted] = [
      unusable(1, 'registry_not_found'),
      await evaluation(2, { authenticity: 'certificate_untrusted' }),
    ];
    const expired = await evaluation(3, { authenticTimestamp: 'certificate_expired' });
    const { signature, skippedSignatures } = denyAll([gone, expired, untrusted]);
    expect(signature).toBe(digest(3));
    expect(skippedSignatures).toEqual({
      count: 2,
      first: [
        {
          signature: digest(1),
          code: 'registry_not_found',
          message: 'registry_not_found of 1',
        },
        {
          signature: digest(2),
          code: 'certificate_untrusted',
          message: 'certificate_untrusted of 2',
        },
      ],
    });
  });

  it('without a signature, or for a good one, is a fault of the caller', async () => {
    const good = await evaluation(1);
    expect(() => denyAll([])).toThrow(TypeError);
    expect(() => denyAll([good])).toThrow(TypeError);
  });
});

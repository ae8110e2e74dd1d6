import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../../agent/errors.ts';
import { ENFORCEMENT } from '../../../agent/notation/trustpolicy/level.ts';
import { evaluate, type Validations } from '../../../agent/notation/verification/evaluation.ts';
import {
  VALIDATION_TYPES,
  type ValidationType,
} from '../../../agent/notation/verification/verdict.ts';

const ORDER = ['integrity', 'authenticity', 'expiry', 'authenticTimestamp', 'revocation'];

/** Validations that pass, but for those that are replaced, and which of them were performed. */
function recorded(replaced: Partial<Validations> = {}) {
  const performed: ValidationType[] = [];
  const validations = Object.fromEntries(
    VALIDATION_TYPES.map((type) => [
      type,
      () => {
        performed.push(type);
        return replaced[type]?.() ?? `${type} is fine`;
      },
    ]),
  ) as Validations;
  return { validations, performed };
}

function fails(code: ErrorCode): () => never {
  return () => {
    throw new AgentError(code, `because of ${code}`);
  };
}

describe('evaluate', () => {
  it('performs the five validations in the order of the specification', async () => {
    const { validations, performed } = recorded();
    const results = await evaluate(validations, ENFORCEMENT.strict);
    expect(performed).toEqual(ORDER);
    expect(results.map(({ type }) => type)).toEqual(ORDER);
    expect(results[1]).toEqual({
      type: 'authenticity',
      action: 'enforce',
      outcome: 'passed',
      message: 'authenticity is fine',
    });
  });

  it('stops at the first enforced failure and records the rest as skipped', async () => {
    const { validations, performed } = recorded({ expiry: fails('signature_expired') });
    const results = await evaluate(validations, ENFORCEMENT.strict);
    expect(performed).toEqual(['integrity', 'authenticity', 'expiry']);
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'passed',
      'passed',
      'failed',
      'skipped',
      'skipped',
    ]);
    expect(results[2]).toMatchObject({
      code: 'signature_expired',
      message: 'because of signature_expired',
    });
    expect(results[4]).toEqual({
      type: 'revocation',
      action: 'enforce',
      outcome: 'skipped',
      message: 'not performed, because expiry did not pass',
    });
  });

  it('goes on after a failure that is only logged', async () => {
    const failures = { expiry: fails('signature_expired'), revocation: fails('internal') };
    const { validations, performed } = recorded(failures);
    const results = await evaluate(validations, ENFORCEMENT.permissive);
    expect(performed).toEqual(ORDER);
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'passed',
      'passed',
      'failed',
      'passed',
      'inconclusive',
    ]);
  });

  it('stops at an enforced failure behind one that is only logged', async () => {
    const { validations } = recorded({
      expiry: fails('signature_expired'),
      authenticTimestamp: fails('certificate_expired'),
    });
    const results = await evaluate(validations, {
      ...ENFORCEMENT.permissive,
      authenticTimestamp: 'enforce',
    });
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'passed',
      'passed',
      'failed',
      'failed',
      'skipped',
    ]);
    expect(results[4]?.message).toContain('authenticTimestamp');
  });

  it('does not perform what the statement skips', async () => {
    const { validations, performed } = recorded({ revocation: fails('revocation_unknown') });
    const results = await evaluate(validations, { ...ENFORCEMENT.strict, revocation: 'skip' });
    expect(performed).not.toContain('revocation');
    expect(results[4]).toEqual({
      type: 'revocation',
      action: 'skip',
      outcome: 'skipped',
      message: 'the policy statement skips it',
    });
  });

  it('tells what could not be told from what failed', async () => {
    const outcomeOf = async (code: ErrorCode) => {
      const { validations } = recorded({ revocation: fails(code) });
      return (await evaluate(validations, ENFORCEMENT.strict))[4]?.outcome;
    };
    expect(await outcomeOf('revocation_unknown')).toBe('inconclusive');
    expect(await outcomeOf('certificate_expired')).toBe('failed');
  });

  it('takes a fault of our own for no result', async () => {
    const { validations } = recorded({
      expiry: () => {
        throw new TypeError('a fault');
      },
    });
    await expect(evaluate(validations, ENFORCEMENT.audit)).rejects.toThrow(TypeError);
  });
});

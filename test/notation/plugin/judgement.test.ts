// What a plugin is asked for, and what its findings mean.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import type { PluginCapability } from '../../../agent/notation/plugin/capability.ts';
import {
  capabilitiesToRequest,
  judgePlugin,
  NOT_ASKED,
} from '../../../agent/notation/plugin/judgement.ts';
import type { PluginFinding } from '../../../agent/notation/plugin/verify-result.ts';
import { ENFORCEMENT } from '../../../agent/notation/trustpolicy/level.ts';
import { expectCode } from '../../support/expect-code.ts';
import { BOTH, REVOCATION_CHECK, TRUSTED_IDENTITY } from './fixture.ts';

const strict = ENFORCEMENT.strict;
const EXTENDED = [
  { label: 'a', value: 1, critical: true },
  { label: 'b', value: 1, critical: true },
  { label: 'c', value: 1, critical: false },
  { label: 99, value: 1, critical: false },
];

const judge = (
  findings: readonly (readonly [PluginCapability, PluginFinding])[],
  processed: readonly string[] = ['a', 'b'],
) =>
  judgePlugin('com.example', EXTENDED, {
    findings: new Map(findings),
    processedAttributes: new Set(processed),
  });

describe('a plugin', () => {
  it('is asked for what it can verify', () => {
    expect(capabilitiesToRequest(new Set(BOTH), strict)).toEqual(BOTH);
    for (const capability of BOTH) {
      expect(capabilitiesToRequest(new Set([capability]), strict)).toEqual([capability]);
    }
  });

  it('is asked for revocation where its failure is only logged, and not where it is skipped', () => {
    const logged = { ...strict, revocation: 'log' } as const;
    const skipped = { ...strict, revocation: 'skip' } as const;
    expect(capabilitiesToRequest(new Set(BOTH), logged)).toEqual(BOTH);
    expect(capabilitiesToRequest(new Set(BOTH), skipped)).toEqual([TRUSTED_IDENTITY]);
    expect(capabilitiesToRequest(new Set([REVOCATION_CHECK]), skipped)).toEqual([]);
  });
});

describe('the judgement of a plugin', () => {
  it('is a sentence for each check that passed', () => {
    const { authenticity, revocation } = judge([
      [TRUSTED_IDENTITY, { success: true, reason: 'a friend\n' }],
      [REVOCATION_CHECK, { success: true, reason: '' }],
    ]);
    expect(authenticity).toBe(
      String.raw`verification plugin "com.example" found the signing identity to be trusted, saying "a friend\n"`,
    );
    expect(revocation).toBe('verification plugin "com.example" found no certificate to be revoked');
  });

  it('is an error for each check that did not pass', () => {
    const { authenticity, revocation } = judge([
      [TRUSTED_IDENTITY, { success: false, reason: 'no friend' }],
      [REVOCATION_CHECK, { success: false, reason: '' }],
    ]);
    expect(authenticity).toBeInstanceOf(AgentError);
    expect(authenticity).toMatchObject({
      code: 'plugin_refused',
      message:
        'verification plugin "com.example": expected it to find the signing identity to be trusted, but it refused, saying "no friend"',
    });
    expect(revocation).toMatchObject({ code: 'plugin_refused' });
  });

  it('leaves to the verifier what the plugin did not check', () => {
    const good = { success: true, reason: '' };
    expect(judge([[TRUSTED_IDENTITY, good]])).not.toHaveProperty('revocation');
    expect(judge([[REVOCATION_CHECK, good]])).not.toHaveProperty('authenticity');
    expect(judgePlugin('com.example', [], NOT_ASKED)).toEqual({});
  });

  it('asks that every critical attribute was processed, and no other', () => {
    const passed = [[TRUSTED_IDENTITY, { success: true, reason: '' }]] as const;
    expect(judge(passed, ['b', 'a', 'more'])).toHaveProperty('authenticity');
    for (const processed of [[], ['a'], ['b', 'c'], ['A', 'b'], ['a', 'c', '99']]) {
      expectCode(() => judge(passed, processed), 'attribute_unsupported');
    }
    expectCode(() => judgePlugin('com.example', EXTENDED, NOT_ASKED), 'attribute_unsupported');
  });

  it('never takes an integer label for a name', () => {
    const extended = [{ label: 99, value: 1, critical: true }];
    const processedAttributes = new Set(['99']);
    expectCode(
      () => judgePlugin('com.example', extended, { ...NOT_ASKED, processedAttributes }),
      'attribute_unsupported',
    );
  });
});

// What a plugin answers when it is asked to verify.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PluginCapability } from '../../../agent/notation/plugin/capability.ts';
import { parseVerifyResult } from '../../../agent/notation/plugin/verify-result.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { BOTH, REVOCATION_CHECK, TRUSTED_IDENTITY } from './fixture.ts';

const parse = (response: unknown, requested: readonly PluginCapability[] = BOTH) =>
  parseVerifyResult(Buffer.from(JSON.stringify(response)), requested, 'plugin');

const GOOD = { success: true, reason: 'fine' };
const RESULTS = { [TRUSTED_IDENTITY]: GOOD, [REVOCATION_CHECK]: GOOD };

describe('the answer of a plugin', () => {
  it('is read', () => {
    const failed = { success: false, reason: 'revoked' };
    const verificationResults = { [REVOCATION_CHECK]: failed, [TRUSTED_IDENTITY]: GOOD };
    expect(parse({ verificationResults, processedAttributes: ['a', 'a', 'b'] })).toEqual({
      findings: new Map([
        [TRUSTED_IDENTITY, GOOD],
        [REVOCATION_CHECK, failed],
      ]),
      processedAttributes: new Set(['a', 'b']),
    });
  });

  it('may be without reasons, and without attributes as Go writes it', () => {
    const verificationResults = {
      [TRUSTED_IDENTITY]: { success: true },
      [REVOCATION_CHECK]: { success: false, reason: null },
    };
    for (const processedAttributes of [undefined, null, []]) {
      expect(parse({ verificationResults, processedAttributes })).toEqual({
        findings: new Map([
          [TRUSTED_IDENTITY, { success: true, reason: '' }],
          [REVOCATION_CHECK, { success: false, reason: '' }],
        ]),
        processedAttributes: new Set(),
      });
    }
  });

  it('may have members that are not known', () => {
    const verificationResults = { [TRUSTED_IDENTITY]: { ...GOOD, more: 1 } };
    expect(parse({ verificationResults, more: {} }, [TRUSTED_IDENTITY]).findings.size).toBe(1);
  });

  it.each<[string, unknown]>([
    ['no results', { processedAttributes: [] }],
    ['results in an array', { verificationResults: [GOOD] }],
    ['results that are null', { verificationResults: null }],
    ['a missing result', { verificationResults: { [TRUSTED_IDENTITY]: GOOD } }],
    ['a result that is null', { verificationResults: { ...RESULTS, [REVOCATION_CHECK]: null } }],
    ['a result that is true', { verificationResults: { ...RESULTS, [REVOCATION_CHECK]: true } }],
    ['a result of another check', { verificationResults: { ...RESULTS, OTHER: GOOD } }],
    ['an empty result', { verificationResults: { ...RESULTS, [REVOCATION_CHECK]: {} } }],
    ['a success in words', withResult({ success: 'true' })],
    ['a success as a number', withResult({ success: 1 })],
    ['a reason that is no text', withResult({ success: true, reason: {} })],
    ['attributes in an object', { verificationResults: RESULTS, processedAttributes: {} }],
    ['attributes that are no names', { verificationResults: RESULTS, processedAttributes: [1] }],
    ['nothing', {}],
    ['an array', []],
  ])('must not have %s', (_, response) => {
    expectCode(() => parse(response), 'plugin_invalid');
  });

  it('must not hold a result that was not asked for', () => {
    expect(parse({ verificationResults: RESULTS }).findings.size).toBe(2);
    for (const requested of BOTH) {
      expectCode(() => parse({ verificationResults: RESULTS }, [requested]), 'plugin_invalid');
    }
  });

  it('must not say anything twice', () => {
    const text = `{"verificationResults":{"${TRUSTED_IDENTITY}":{"success":false,"success":true}}}`;
    expectCode(
      () => parseVerifyResult(Buffer.from(text), [TRUSTED_IDENTITY], 'plugin'),
      'plugin_invalid',
    );
  });

  it('that is anything gives findings for just what was asked, or our error', () => {
    const finding = fc.record({ success: fc.jsonValue(), reason: fc.jsonValue() });
    const results = fc.dictionary(fc.constantFrom(...BOTH, 'x'), fc.oneof(finding, fc.jsonValue()));
    const response = fc.record(
      { verificationResults: results, processedAttributes: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(response, fc.jsonValue()),
        fc.subarray([...BOTH]),
        (value, requested) => {
          const result = valueOrAgentError(() => parse(value, requested));
          if (!(result instanceof Error)) expect([...result.findings.keys()]).toEqual(requested);
        },
      ),
    );
  });
});

function withResult(result: unknown): unknown {
  return { verificationResults: { ...RESULTS, [REVOCATION_CHECK]: result } };
}

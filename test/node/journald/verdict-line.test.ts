// The verdict line: what goes in comes out, always under 1 KiB, every field checked.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError, ERROR_CODES, type ErrorCode } from '../../../agent/errors.ts';
import {
  encodeVerdictLine,
  MAX_VERDICT_LINE_BYTES,
  parseVerdictLine,
  type VerdictLineContext,
} from '../../../agent/node/journald/verdict-line.ts';
import {
  ALLOW_REASONS,
  type Reason,
  type Verdict,
} from '../../../agent/notation/verification/verdict.ts';
import { expectCode } from '../../support/expect-code.ts';
import { verdictOf } from '../../support/verdict.ts';

const CONTEXT: VerdictLineContext = {
  name: 'registry.example/app:v1',
  via: 'agent',
  mode: 'enforce',
};
const REASONS: readonly Reason[] = [
  ...(Object.keys(ALLOW_REASONS) as (keyof typeof ALLOW_REASONS)[]),
  ...(Object.keys(ERROR_CODES) as ErrorCode[]),
];
const GOOD = encodeVerdictLine(verdictOf({}), CONTEXT);

function withField(key: string, value: unknown): string {
  return JSON.stringify({ ...(JSON.parse(GOOD) as object), [key]: value });
}

describe('encodeVerdictLine', () => {
  it('is read back by parseVerdictLine', () => {
    const { results, level, skippedSignatures, validUntil, ...kept } = verdictOf({});
    expect([results, level, skippedSignatures, validUntil]).not.toContain(undefined);
    expect(parseVerdictLine(GOOD)).toEqual({ ...kept, skipped: 0, ...CONTEXT });
  });

  it('says how many signatures were skipped, and what no verifier before this one said', () => {
    expect(GOOD).not.toContain('skipped');
    const verdict = verdictOf({ skippedSignatures: { count: 17, first: [] } });
    expect(parseVerdictLine(encodeVerdictLine(verdict, CONTEXT)).skipped).toBe(17);
  });

  it('is read back whatever the reason is', () => {
    for (const reason of REASONS) {
      const decision = Object.hasOwn(ALLOW_REASONS, reason) ? 'allow' : 'deny';
      const line = encodeVerdictLine(verdictOf({ decision, reason }), CONTEXT);
      expect(parseVerdictLine(line)).toMatchObject({ decision, reason });
    }
  });

  it('is found by the search that people already use', () => {
    expect(GOOD).toMatch(/notation|signature|verify/i);
    expect(GOOD.startsWith('{"msg":"notation signature verify: allow","nodeseal":1,')).toBe(true);
  });

  it('cuts the message first and leaves what ledger and metrics need', () => {
    const verdict = verdictOf({
      decision: 'deny',
      reason: 'signature_missing',
      message: 'é'.repeat(2000),
    });
    const line = parseVerdictLine(encodeVerdictLine(verdict, CONTEXT));
    expect(line.message).toMatch(/^é+…$/);
    expect(line).toMatchObject({ name: CONTEXT.name, repository: verdict.repository });
  });

  it('drops a repository that does not fit rather than half of it', () => {
    const repository = `${'h'.repeat(250)}/${'r'.repeat(255)}`;
    const long = { ...CONTEXT, name: `${repository}:latest` };
    const digest = `sha512:${'ab'.repeat(64)}` as const;
    const line = encodeVerdictLine(verdictOf({ repository, digest, signature: digest }), long);
    expect(parseVerdictLine(line).repository).toBe('');
  });

  it('escapes control characters, which journalctl would show as a blob', () => {
    const line = encodeVerdictLine(verdictOf({ message: 'a\u0000\n\u007f\u0085b' }), CONTEXT);
    // eslint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(parseVerdictLine(line).message).toBe('a\u0000\n\u007f\u0085b');
  });

  it('fits and parses whatever the texts are', () => {
    const text = fc.string({ unit: 'binary', maxLength: 1200 });
    const texts = fc.record({
      message: text,
      repository: text,
      policy: fc.option(text),
      signer: fc.option(text),
    });
    fc.assert(
      fc.property(texts, text, fc.boolean(), (broken, name, long) => {
        const digest = `sha512:${'ab'.repeat(64)}` as const;
        const skippedSignatures = { count: Number.MAX_SAFE_INTEGER, first: [] };
        const digests: Partial<Verdict> = long
          ? { digest, signature: digest, skippedSignatures }
          : {};
        const reason = 'registry_redirect_refused';
        const verdict = verdictOf({ ...broken, ...digests, decision: 'deny', reason });
        const line = encodeVerdictLine(verdict, { ...CONTEXT, name });
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_VERDICT_LINE_BYTES);
        expect(parseVerdictLine(line).reason).toBe(reason);
      }),
    );
  });
});

describe('parseVerdictLine', () => {
  it.each<[string, unknown]>([
    ['nodeseal', 2],
    ['decision', 'maybe'],
    ['reason', 'because'],
    ['reason', 'toString'],
    ['inconclusive', 'no'],
    ['repository', null],
    ['policy', 1],
    ['policyHash', 'ab'],
    ['trustHash', 'G'.repeat(64)],
    ['time', 'yesterday'],
    ['time', '2026-13-01T00:00:00Z'],
    ['ms', -1],
    ['ms', 1.5],
    ['skipped', -1],
    ['skipped', '1'],
    ['via', 'post'],
    ['mode', 'off'],
    ['name', undefined],
    ['message', ['x']],
  ])('rejects %s %j', (key, value) => {
    expectCode(() => parseVerdictLine(withField(key, value)), 'journal_line_invalid');
  });

  it.each(['digest', 'signature'])('rejects a %s that is none', (key) => {
    expectCode(() => parseVerdictLine(withField(key, 'sha256:short')), 'digest_invalid');
  });

  it.each([
    ['another start', '{"nodeseal":1}'],
    ['a line over the limit', withField('message', 'x'.repeat(MAX_VERDICT_LINE_BYTES))],
    ['a line cut short', GOOD.slice(0, -5)],
    ['something after the object', `${GOOD}x`],
  ])('rejects %s', (_, line) => {
    expectCode(() => parseVerdictLine(line), 'journal_line_invalid');
  });

  it('returns a verdict or throws AgentError, whatever follows the start', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseVerdictLine(GOOD.slice(0, 40) + text);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

// What a person sees of a verdict, to the letter.
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeVerdict } from '../../agent/commands/verdict-report.ts';
import type { ValidationResult, Verdict } from '../../agent/notation/verification/verdict.ts';
import { verdictOf } from '../support/verdict.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const SIGNATURE = `sha256:${'cd'.repeat(32)}` as const;
const PIPE = { colours: false };

const RESULTS: readonly ValidationResult[] = [
  {
    type: 'integrity',
    action: 'enforce',
    outcome: 'passed',
    message: 'PS256 signature over the image',
  },
  {
    type: 'authenticity',
    action: 'enforce',
    outcome: 'passed',
    message: 'CN=signer, trusted by ca:acme',
  },
  {
    type: 'expiry',
    action: 'log',
    outcome: 'failed',
    code: 'signature_expired',
    message: 'signature: expected one that has not expired, found expiry 2026-01-01',
  },
  {
    type: 'authenticTimestamp',
    action: 'enforce',
    outcome: 'passed',
    message: 'every certificate of the chain is valid',
  },
  {
    type: 'revocation',
    action: 'skip',
    outcome: 'skipped',
    message: 'the policy statement skips it',
  },
];

const DENIED: Partial<Verdict> = {
  decision: 'deny',
  reason: 'certificate_untrusted',
  message: 'signing certificate CN=other: expected a chain of ca:acme, found none',
  results: [
    { type: 'integrity', action: 'enforce', outcome: 'passed', message: 'PS256 signature' },
    {
      type: 'authenticity',
      action: 'enforce',
      outcome: 'failed',
      code: 'certificate_untrusted',
      message: 'signing certificate CN=other: expected a chain of ca:acme, found none',
    },
    {
      type: 'expiry',
      action: 'enforce',
      outcome: 'skipped',
      message: 'not performed, because authenticity did not pass',
    },
  ],
};

describe('a verdict for a person', () => {
  it('tells what was looked at, every check with what it saw, and last the decision', () => {
    const verdict = verdictOf({
      reason: 'failure_logged',
      message: 'allowed although a validation that is only logged did not pass',
      results: RESULTS,
    });
    expect(describeVerdict(verdict, PIPE)).toBe(`\
image      registry.example/app
digest     ${DIGEST}
policy     production
level      strict
signature  ${SIGNATURE}
signer     CN=signer,O=example,ST=WA,C=US
judged     2026-08-22T10:11:12.123Z, in 12 ms

  ✓ integrity           enforced  PS256 signature over the image
  ✓ authenticity        enforced  CN=signer, trusted by ca:acme
  ✗ expiry              logged    signature_expired: signature: expected one that has not expired, found expiry 2026-01-01
  ✓ authenticTimestamp  enforced  every certificate of the chain is valid
  - revocation          skipped   the policy statement skips it

allow  failure_logged: allowed although a validation that is only logged did not pass
`);
  });

  it('tells of a refusal which signatures were no better', () => {
    const first = (['registry_not_found', 'signature_expired'] as const).map((code, index) => ({
      signature: `sha256:${String(index).repeat(64)}` as const,
      code,
      message: `found ${code}`,
    }));
    const verdict = verdictOf({ ...DENIED, skippedSignatures: { count: 2, first } });
    expect(describeVerdict(verdict, PIPE)).toContain(`
  ✓ integrity           enforced  PS256 signature
  ✗ authenticity        enforced  certificate_untrusted: signing certificate CN=other: expected a chain of ca:acme, found none
  - expiry              enforced  not performed, because authenticity did not pass

skipped 2 other signatures
  ✗ sha256:${'0'.repeat(64)}
    registry_not_found: found registry_not_found
  ✗ sha256:${'1'.repeat(64)}
    signature_expired: found signature_expired

deny  certificate_untrusted: signing certificate CN=other: expected a chain of ca:acme, found none
`);
  });

  it('counts skipped signatures that it does not show', () => {
    const skipped = { signature: SIGNATURE, code: 'content_mismatch', message: 'junk' } as const;
    const told = (count: number) => {
      const first = Array.from({ length: Math.min(count, 5) }, () => skipped);
      return describeVerdict(verdictOf({ skippedSignatures: { count, first } }), PIPE);
    };
    expect(told(0)).not.toContain('skipped');
    expect(told(1)).toContain('\nskipped 1 other signature\n');
    expect(told(5)).not.toContain('more');
    expect(told(99)).toContain('\nskipped 99 other signatures\n');
    expect(told(99)).toContain('    content_mismatch: junk\n  and 94 more\n\nallow  ');
  });

  it('is short where nothing is known', () => {
    const nothing = { digest: null, policy: null, level: null, signature: null, signer: null };
    const verdict = verdictOf({
      ...nothing,
      decision: 'deny',
      reason: 'registry_unreachable',
      inconclusive: true,
      message: 'the registry could not be reached',
    });
    expect(describeVerdict(verdict, PIPE)).toBe(`\
image      registry.example/app
policy     none applies
signature  none
judged     2026-08-22T10:11:12.123Z, in 12 ms

deny  registry_unreachable, inconclusive: the registry could not be reached
`);
  });
});

describe('a verdict on a terminal', () => {
  it('wraps under itself, and keeps digests in one piece', () => {
    const verdict = verdictOf({ ...DENIED, message: DENIED.results?.[1]?.message ?? '' });
    expect(describeVerdict(verdict, { columns: 64, colours: false })).toBe(`\
image      registry.example/app
digest     ${DIGEST}
policy     production
level      strict
signature  ${SIGNATURE}
signer     CN=signer,O=example,ST=WA,C=US
judged     2026-08-22T10:11:12.123Z, in 12 ms

  ✓ integrity           enforced  PS256 signature
  ✗ authenticity        enforced  certificate_untrusted: signing
                                  certificate CN=other: expected
                                  a chain of ca:acme, found none
  - expiry              enforced  not performed, because
                                  authenticity did not pass

deny  certificate_untrusted: signing certificate CN=other:
      expected a chain of ca:acme, found none
`);
  });

  it('is painted, and otherwise the same', () => {
    const verdict = verdictOf({ reason: 'failure_logged', results: RESULTS });
    const painted = describeVerdict(verdict, { colours: true });
    expect(painted).toContain('  \u001b[32m✓\u001b[39m integrity ');
    expect(painted).toContain('  \u001b[33m✗\u001b[39m expiry ');
    expect(painted).toContain('  \u001b[2m-\u001b[22m revocation ');
    expect(painted).toContain('\n\u001b[1m\u001b[32mallow\u001b[39m\u001b[22m  failure_logged: ');
    expect(stripVTControlCharacters(painted)).toBe(describeVerdict(verdict, PIPE));
    const denied = describeVerdict(verdictOf(DENIED), { colours: true });
    expect(denied).toContain('  \u001b[31m✗\u001b[39m authenticity ');
    expect(denied).toContain('\n\u001b[1m\u001b[31mdeny\u001b[39m\u001b[22m  ');
  });
});

describe('hostile text in a verdict', () => {
  const HOSTILE = '\u001b[2J\u001b]0;x\u0007\r\nallow  verified: \u202eyes\u009b31m';
  const SHOWN = String.raw`\u{1b}[2J\u{1b}]0;x\u{7}\u{d}\u{a}allow  verified: \u{202e}yes\u{9b}31m`;

  it('is shown, and does nothing', () => {
    const verdict = verdictOf({
      decision: 'deny',
      reason: 'identity_untrusted',
      message: HOSTILE,
      repository: HOSTILE,
      policy: HOSTILE,
      signer: HOSTILE,
      results: [
        {
          type: 'authenticity',
          action: 'enforce',
          outcome: 'failed',
          code: 'identity_untrusted',
          message: HOSTILE,
        },
      ],
      skippedSignatures: {
        count: 1,
        first: [{ signature: SIGNATURE, code: 'envelope_invalid', message: HOSTILE }],
      },
    });
    expect(describeVerdict(verdict, PIPE)).toBe(`\
image      ${SHOWN}
digest     ${DIGEST}
policy     ${SHOWN}
level      strict
signature  ${SIGNATURE}
signer     ${SHOWN}
judged     2026-08-22T10:11:12.123Z, in 12 ms

  ✗ authenticity        enforced  identity_untrusted: ${SHOWN}

skipped 1 other signature
  ✗ ${SIGNATURE}
    envelope_invalid: ${SHOWN}

deny  identity_untrusted: ${SHOWN}
`);
  });

  it('begins no line of a terminal, so that none of it passes for the decision', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 300 });
    const words = fc.array(fc.constantFrom('allow', 'deny', '  ', '漢', '\n', 'x'.repeat(70)));
    const text = fc.oneof(
      anything,
      words.map((some) => some.join(' ')),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 40, max: 120 }), (message, columns) => {
        const verdict = verdictOf({ ...DENIED, message, signer: message });
        const printed = describeVerdict(verdict, { columns, colours: false });
        const lines = printed.split('\n');
        const starts = lines.filter((line) => /^\S/.test(line)).map((line) => line.split(' ')[0]);
        expect(starts).toEqual(STARTS);
        expect(printed.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

const STARTS = ['image', 'digest', 'policy', 'level', 'signature', 'signer', 'judged', 'deny'];

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAnswer, MAX_ANSWER_BYTES } from '../../agent/pull/answer.ts';
import { verdictOf } from '../support/verdict.ts';

const ENFORCE = { mode: 'enforce' } as const;

describe('the answer to containerd', () => {
  it('says decision, reason and message', () => {
    expect(encodeAnswer(verdictOf({ message: 'signed by CN=Zoë' }), ENFORCE)).toBe(
      'allow: verified: signed by CN=Zoë',
    );
  });

  it('shows nothing that would move the cursor, forge a line or reverse the text', () => {
    const message = 'a\nb\r\u001b[2Jc\u202ed\u2028e\u00a0f';
    expect(encodeAnswer(verdictOf({ message }), ENFORCE)).toBe('allow: verified: a?b??[2Jc?d?e?f');
  });

  it('says in audit mode what enforcing would have done', () => {
    const denied = verdictOf({ decision: 'deny', reason: 'signature_missing', message: 'none' });
    expect(encodeAnswer(denied, ENFORCE)).toBe('deny: signature_missing: none');
    expect(encodeAnswer(denied, { mode: 'audit' })).toBe(
      'audit: would deny: signature_missing: none',
    );
    expect(encodeAnswer(verdictOf({ message: 'good' }), { mode: 'audit' })).toBe(
      'allow: verified: good',
    );
  });

  it('says a note before a message that may be cut', () => {
    const verdict = verdictOf({ message: 'x'.repeat(5000) });
    expect(encodeAnswer(verdict, { mode: 'enforce', note: 'expired\n' })).toMatch(
      /^allow: verified: \[expired\?\] x+…$/,
    );
  });

  it('is cut with an ellipsis where it is too long', () => {
    const answer = encodeAnswer(verdictOf({ message: 'x'.repeat(5000) }), ENFORCE);
    expect(Buffer.byteLength(answer)).toBe(MAX_ANSWER_BYTES);
    expect(answer).toMatch(/x…$/);
  });

  it('is one short printable line whatever the message is', () => {
    const message = fc.string({ unit: 'binary', maxLength: 2000, size: 'max' });
    fc.assert(
      fc.property(message, (text) => {
        const answer = encodeAnswer(verdictOf({ message: text }), ENFORCE);
        expect(Buffer.byteLength(answer)).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
        expect(answer).not.toMatch(/(?! )[\p{C}\p{Z}]/u);
        expect(answer.startsWith('allow: verified: ')).toBe(true);
      }),
    );
  });
});

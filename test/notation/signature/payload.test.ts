// The signed payload: the descriptor of what was signed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_JSON_DEPTH } from '../../../agent/notation/encoding/json.ts';
import { MAX_ENVELOPE_VALUES } from '../../../agent/notation/signature/decoded-envelope.ts';
import { parsePayload } from '../../../agent/notation/signature/payload.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { TARGET } from '../../support/sign-envelope.ts';

const payload = (targetArtifact: unknown): Buffer =>
  Buffer.from(JSON.stringify({ targetArtifact }));

describe('parsePayload', () => {
  it('reads the descriptor', () => {
    expect(parsePayload(payload(TARGET))).toEqual(TARGET);
  });

  it('reads user metadata and ignores other members', () => {
    const target = { ...TARGET, annotations: { build: '123' } };
    const document = Buffer.from(JSON.stringify({ targetArtifact: { ...target, x: 1 }, y: 2 }));
    expect(parsePayload(document).annotations).toEqual({ build: '123' });
  });

  // Signers MUST NOT write them; nothing tells verifiers to refuse what a later version may define.
  it('reads annotations with the reserved prefix like any other', () => {
    const annotations = { 'io.cncf.notary.other': 'x' };
    expect(parsePayload(payload({ ...TARGET, annotations })).annotations).toEqual(annotations);
  });

  it('bounds the number of values', () => {
    const withValues = (count: number): Buffer =>
      Buffer.from(JSON.stringify({ targetArtifact: TARGET, x: Array(count).fill(0) }));
    // The document, the target with its three members, and the array.
    expect(parsePayload(withValues(MAX_ENVELOPE_VALUES - 6))).toEqual(TARGET);
    expectCode(() => parsePayload(withValues(MAX_ENVELOPE_VALUES - 5)), 'payload_invalid');
  });

  it('bounds the depth', () => {
    const nested = (depth: number): Buffer =>
      Buffer.from(
        `{"targetArtifact":${JSON.stringify(TARGET)},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      );
    expect(parsePayload(nested(MAX_JSON_DEPTH - 1))).toEqual(TARGET);
    expectCode(() => parsePayload(nested(MAX_JSON_DEPTH)), 'payload_invalid');
  });

  it.each([
    ['no JSON', Buffer.from('x')],
    ['an array', Buffer.from('[]')],
    ['no target', Buffer.from('{}')],
    ['a target that is no object', payload('x')],
    ['a target without media type', payload({ ...TARGET, mediaType: undefined })],
    ['a target without digest', payload({ ...TARGET, digest: undefined })],
    ['a target with a wrong digest', payload({ ...TARGET, digest: 'sha256:00' })],
    ['a target with another hash', payload({ ...TARGET, digest: `md5:${'0'.repeat(32)}` })],
    ['a target without size', payload({ ...TARGET, size: undefined })],
    ['a target with a negative size', payload({ ...TARGET, size: -1 })],
    ['two targets', Buffer.from('{"targetArtifact":1,"targetArtifact":2}')],
    ['another document behind it', Buffer.concat([payload(TARGET), payload(TARGET)])],
  ])('refuses %s', (_, bytes) => {
    expectCode(() => parsePayload(bytes), 'payload_invalid');
  });

  it('gives a descriptor or our own error', () => {
    fc.assert(
      fc.property(fc.json(), fc.jsonValue(), (document, target) => {
        valueOrAgentError(() => parsePayload(Buffer.from(document)));
        valueOrAgentError(() => parsePayload(payload(target)));
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeRequest,
  encodeResponse,
  parseRequest,
  parseResponse,
  type PullRequest,
  type PullResponse,
} from '../../agent/pull/agent-protocol.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import type { ErrorCode } from '../../agent/errors.ts';
import { expectCode } from '../support/expect-code.ts';
import { valueOrAgentError } from '../support/only-agent-errors.ts';
import { verdictOf } from '../support/verdict.ts';

const DIGEST: Digest = `sha256:${'ab'.repeat(32)}`;
const REQUEST: PullRequest = {
  name: 'registry.example/team/app:v1',
  descriptor: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: DIGEST, size: 3 },
};
const ANSWERS: readonly PullResponse[] = [
  { verdict: verdictOf({}), mode: 'enforce' },
  { verdict: verdictOf({}), mode: 'audit' },
  {
    verdict: verdictOf({ decision: 'deny', reason: 'signature_missing', signature: null }),
    mode: 'audit',
  },
  { error: { code: 'policy_missing', message: 'no policy' } },
];

/** The line with members replaced. */
function changed(line: string, changes: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(line) as object), ...changes });
}

describe('a request', () => {
  it('is read back as it was written, on one line', () => {
    const line = encodeRequest(REQUEST);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(parseRequest(line)).toEqual(REQUEST);
  });

  it('stays on one line whatever the name is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const line = encodeRequest({ ...REQUEST, name });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(parseRequest(line).name).toBe(name);
      }),
    );
  });

  it.each<[string, Record<string, unknown>, ErrorCode]>([
    ['another protocol', { protocol: 2 }, 'invocation_invalid'],
    ['no protocol', { protocol: undefined }, 'invocation_invalid'],
    ['no name', { name: undefined }, 'invocation_invalid'],
    ['a name that is no string', { name: ['a'] }, 'invocation_invalid'],
    ['no descriptor', { descriptor: undefined }, 'descriptor_invalid'],
    [
      'a malformed digest',
      { descriptor: { ...REQUEST.descriptor, digest: 'sha256:x' } },
      'digest_invalid',
    ],
  ])('is refused with %s', (_, changes, code) => {
    expectCode(() => parseRequest(changed(encodeRequest(REQUEST), changes)), code);
  });
});

describe('an answer', () => {
  it.each(ANSWERS)('is read back as it was written: %j', (answer) => {
    const line = encodeResponse(answer);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(parseResponse(line)).toEqual(answer);
  });

  it.each<[string, Record<string, unknown>, ErrorCode]>([
    ['another protocol', { protocol: 0 }, 'invocation_invalid'],
    ['an unknown mode', { mode: 'Audit' }, 'invocation_invalid'],
    ['no mode but null', { mode: null }, 'invocation_invalid'],
    ['neither verdict nor error', { verdict: undefined }, 'invocation_invalid'],
    ['an unknown decision', { verdict: { ...verdictOf({}), decision: 'ALLOW' } }, 'internal'],
    [
      'a decision that its reason belies',
      { verdict: { ...verdictOf({}), reason: 'signature_missing' } },
      'internal',
    ],
    ['half a verdict', { verdict: { decision: 'allow', reason: 'verified' } }, 'internal'],
    [
      'an error of unknown code',
      { verdict: undefined, error: { code: 'toString', message: '' } },
      'invocation_invalid',
    ],
    [
      'an error without message',
      { verdict: undefined, error: { code: 'internal' } },
      'invocation_invalid',
    ],
  ])('is refused with %s', (_, changes, code) => {
    expectCode(
      () => parseResponse(changed(encodeResponse(ANSWERS[0] as PullResponse), changes)),
      code,
    );
  });
});

it('binds pulls by the answer of an agent that tells no mode', () => {
  const [, audit] = ANSWERS.map(encodeResponse);
  expect(parseResponse(changed(audit ?? '', {}))).toMatchObject({ mode: 'audit' });
  expect(parseResponse(changed(audit ?? '', { mode: undefined }))).toMatchObject({
    mode: 'enforce',
  });
});

it('reads any line as a value or throws an error of ours', () => {
  const object = fc.dictionary(
    fc.constantFrom('protocol', 'name', 'descriptor', 'verdict', 'mode', 'error', '__proto__'),
    fc.oneof(fc.constant(1), fc.jsonValue()),
  );
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    object.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(line, (text) => {
      valueOrAgentError(() => parseRequest(text));
      valueOrAgentError(() => parseResponse(text));
    }),
  );
});

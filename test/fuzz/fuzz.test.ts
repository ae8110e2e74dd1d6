// The fuzzer finds what it is there to find, and changes what it says it changes.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { createCa } from '../support/ca.ts';
import { integer, octetString, sequence } from '../support/der.ts';
import { signEnvelope } from '../support/sign-envelope.ts';
import { insideDer } from './der-edit.ts';
import { joinEnvelope, splitEnvelope } from './envelope-parts.ts';
import { fuzz, type FuzzResult, type Reader } from './fuzz.ts';

const SEED = Buffer.from('good');
const refuse = (): never => {
  throw new AgentError('digest_invalid', 'refused');
};

function run(read: Reader['read'], rest: Partial<Reader> = {}): Promise<FuzzResult> {
  const reader = { name: 'it', seeds: () => [SEED], read, ...rest };
  return fuzz(reader, { runs: 200, seed: 3 });
}

describe('fuzz', () => {
  it('counts values and errors of a reader that holds', async () => {
    const read = (bytes: Uint8Array) => (bytes[0] === SEED[0] ? bytes : refuse());
    const { values, errors, failure } = await run(read);
    expect(failure).toBeUndefined();
    expect(values + errors).toBe(200);
    expect(Math.min(values, errors)).toBeGreaterThan(10);
    const later = await run((bytes) => Promise.resolve(bytes));
    expect(later).toMatchObject({ values: 200, errors: 0 });
  });

  it('finds an error that is not ours, and gives the input', async () => {
    const { failure } = await run((bytes) => {
      if (bytes.length > 8) throw new RangeError('too deep');
    });
    expect(failure?.message).toContain('too deep');
    expect(failure?.seed).toBe(3);
    expect(Buffer.from(failure?.input ?? '', 'base64').length).toBeGreaterThan(8);
    const rejected = await run((bytes) =>
      bytes.length > 8 ? Promise.reject(new TypeError('later')) : Promise.resolve(),
    );
    expect(rejected.failure?.message).toContain('later');
  });

  it('finds what is accepted and says something else', async () => {
    const meaning = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    const same = await run((bytes) => (SEED.equals(bytes) ? bytes : refuse()), { meaning });
    expect(same.failure).toBeUndefined();
    const other = await run((bytes) => (bytes[0] === SEED[0] ? bytes : refuse()), { meaning });
    expect(other.failure?.message).toContain('was accepted');
  });

  it('does not run without good seeds', async () => {
    await expect(run(refuse)).rejects.toThrow('seed 0 is refused');
    await expect(run(String, { seeds: () => [] })).rejects.toThrow('no seeds');
  });
});

describe('a change inside DER', () => {
  const good = sequence(integer(1), octetString(sequence(integer(2))), integer(3));
  const longer = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(200, 1)]);

  it('puts the lengths around it right again', () => {
    const inner = Buffer.concat([Buffer.of(2), Buffer.alloc(200, 1)]);
    const expected = [
      sequence(Buffer.concat([good.subarray(2), Buffer.alloc(200, 1)])),
      sequence(integer(1), octetString(sequence(integer(2))), integer(3)),
    ];
    expect(insideDer(0, longer, false)(good)).toEqual(expected[0]);
    // Outer sequence, 1, octets, the sequence in them, 2, 3.
    const changed = insideDer(4, () => inner, false)(good);
    const two = Buffer.concat([Buffer.of(0x02, 0x81, inner.length), inner]);
    expect(changed).toEqual(sequence(integer(1), octetString(sequence(two)), integer(3)));
    expect(insideDer(5, () => Buffer.alloc(0), true)(good)).toEqual(
      sequence(integer(1), octetString(sequence(integer(2)))),
    );
    expect(insideDer(1, (bytes) => bytes, true)(good)).toEqual(expected[1]);
  });

  it('is any change where there is no DER', () => {
    expect(insideDer(3, () => Buffer.of(7), false)(Buffer.from('text'))).toEqual(Buffer.of(7));
  });
});

describe('an envelope', () => {
  it.each(['jws', 'cose'] as const)('of %s is the same when it is put together again', (format) => {
    const signed = signEnvelope({ format, signer: createCa().issue() });
    const parts = splitEnvelope(format, signed);
    expect(joinEnvelope(format, parts)).toEqual(signed);
    const payload = Buffer.from('other');
    expect(splitEnvelope(format, joinEnvelope(format, { ...parts, payload })).payload).toEqual(
      payload,
    );
  });
});

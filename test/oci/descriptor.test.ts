// Descriptors: every member good once and broken once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { parseDescriptor } from '../../agent/oci/descriptor.ts';
import { expectCode } from '../support/expect-code.ts';

const GOOD = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'0a'.repeat(32)}`,
  size: 528,
};

describe('parseDescriptor', () => {
  it('keeps what identifies the content', () => {
    expect(parseDescriptor(GOOD, 'target')).toEqual(GOOD);
  });

  it('keeps the artifact type and annotations, and drops members it does not know', () => {
    const extras = { artifactType: 'application/x', annotations: { 'a.b': 'c' } };
    const found = parseDescriptor({ ...GOOD, ...extras, platform: { os: 'linux' } }, 'target');
    expect(Object.keys(found).sort()).toEqual(
      [...Object.keys(GOOD), ...Object.keys(extras)].sort(),
    );
    expect(found.artifactType).toBe('application/x');
    expect(found.annotations?.['a.b']).toBe('c');
  });

  it('keeps annotations apart from the prototype of objects', () => {
    const annotations = JSON.parse('{"__proto__":"x"}') as unknown;
    const found = parseDescriptor({ ...GOOD, annotations }, 'target').annotations;
    expect(found?.['__proto__']).toBe('x');
    expect(found?.['constructor']).toBeUndefined();
  });

  it.each([
    ['no media type', { mediaType: undefined }, 'target.mediaType'],
    ['an empty media type', { mediaType: '' }, 'target.mediaType'],
    ['a media type that is no string', { mediaType: 1 }, 'target.mediaType'],
    ['no digest', { digest: undefined }, 'target.digest'],
    ['no size', { size: undefined }, 'target.size'],
    ['a size in a string', { size: '528' }, 'target.size'],
    ['a negative size', { size: -1 }, 'target.size'],
    ['a fractional size', { size: 1.5 }, 'target.size'],
    ['a size beyond exact numbers', { size: 2 ** 53 }, 'target.size'],
    ['an artifact type that is no string', { artifactType: null }, 'target.artifactType'],
    ['annotations that are an array', { annotations: [] }, 'target.annotations'],
    ['an annotation that is no string', { annotations: { a: 1 } }, 'target.annotations["a"]'],
  ])('refuses %s', (_, broken, place) => {
    const error = expectCode(
      () => parseDescriptor({ ...GOOD, ...broken }, 'target'),
      'descriptor_invalid',
    );
    expect(error.message).toContain(`${place}: expected`);
  });

  it.each([null, undefined, 'text', 7, []])('refuses %j instead of an object', (value) => {
    expectCode(() => parseDescriptor(value, 'target'), 'descriptor_invalid');
  });

  it('refuses a malformed digest by its own code', () => {
    expectCode(() => parseDescriptor({ ...GOOD, digest: 'sha256:0a' }, 'target'), 'digest_invalid');
  });

  it('returns a descriptor or throws an AgentError, whatever it is given', () => {
    const member = fc.option(fc.anything(), { nil: undefined });
    const mutated = fc
      .record({ mediaType: member, digest: member, size: member, annotations: member })
      .map((broken) => ({ ...GOOD, ...broken }));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), mutated), (value) => {
        try {
          expect(parseDescriptor(value, 'target').size).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

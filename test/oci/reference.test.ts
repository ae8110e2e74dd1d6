// References: registry, repository, tag and digest, and nothing guessed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { parseDigest } from '../../agent/oci/digest.ts';
import {
  isRepository,
  MAX_REFERENCE_LENGTH,
  parseReference,
  pinned,
  repositoryOf,
} from '../../agent/oci/reference.ts';
import { expectCode } from '../support/expect-code.ts';

const DIGEST = parseDigest(`sha256:${'0a'.repeat(32)}`);

describe('parseReference', () => {
  it.each([
    ['example.io/app', { registry: 'example.io', repository: 'app' }],
    ['example.io:5000/app', { registry: 'example.io:5000', repository: 'app' }],
    ['localhost/a/b-c/d__e.f', { registry: 'localhost', repository: 'a/b-c/d__e.f' }],
    ['10.0.0.1:5000/app:v1', { registry: '10.0.0.1:5000', repository: 'app', tag: 'v1' }],
    [`example.io/app@${DIGEST}`, { registry: 'example.io', repository: 'app', digest: DIGEST }],
    [
      `example.io:5000/team/app:v1.2_3@${DIGEST}`,
      { registry: 'example.io:5000', repository: 'team/app', tag: 'v1.2_3', digest: DIGEST },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each([
    ['a short name', 'busybox'],
    ['a short name with a tag', 'busybox:latest'],
    ['a scheme', 'https://example.io/app'],
    ['an empty registry', '/app'],
    ['an empty repository', 'example.io/'],
    ['an empty tag', 'example.io/app:'],
    ['an empty path component', 'example.io/a//b'],
    ['a hop out of the repository', 'example.io/../app'],
    ['upper case in the repository', 'example.io/App'],
    ['three underscores', 'example.io/a___b'],
    ['a component that ends in a separator', 'example.io/app-'],
    ['a registry that starts with a hyphen', '-example.io/app'],
    ['a registry with an empty label', 'example..io/app'],
    ['a port that is no number', 'example.io:http/app'],
    ['a tag that starts with a dot', 'example.io/app:.v1'],
    ['a tag of 129 characters', `example.io/app:${'v'.repeat(129)}`],
    ['a trailing newline', 'example.io/app\n'],
    ['a query', 'example.io/app?x=1'],
    ['a repository of 256 characters', `example.io/${'a'.repeat(256)}`],
    ['a name beyond the limit', `example.io/${'a/'.repeat(MAX_REFERENCE_LENGTH)}a`],
  ])('refuses %s', (_, text) => {
    expectCode(() => parseReference(text), 'reference_invalid');
  });

  it('refuses what follows "@" and is no digest by its own code', () => {
    expectCode(() => parseReference('user:pass@example.io/app'), 'digest_invalid');
    expectCode(() => parseReference('example.io/app@sha256:0a'), 'digest_invalid');
    expectCode(() => parseReference(`example.io/app@${DIGEST}@${DIGEST}`), 'digest_invalid');
  });

  it('reads back what it is printed as', () => {
    const label = fc.stringMatching(/^[a-z0-9](-?[a-z0-9]){0,8}$/);
    const registry = fc
      .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), fc.option(fc.nat(65_535)))
      .map(([labels, port]) => labels.join('.') + (port === null ? '' : `:${port}`));
    const component = fc.stringMatching(/^[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
    const repository = fc
      .array(component, { minLength: 1, maxLength: 4 })
      .map((components) => components.join('/'));
    fc.assert(
      fc.property(registry, repository, (host, path) => {
        const reference = parseReference(`${host}/${path}:tag@${DIGEST}`);
        expect(repositoryOf(reference)).toBe(`${host}/${path}`);
        expect(pinned(reference, DIGEST)).toBe(`${host}/${path}@${DIGEST}`);
        expect(isRepository(`${host}/${path}`)).toBe(true);
      }),
    );
  });

  it('returns a reference or throws an AgentError, quickly, whatever it is given', () => {
    const hostile = fc.stringMatching(/^[a-zA-Z0-9._:/@-]{0,1100}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), hostile), (text) => {
        try {
          expect(isRepository(repositoryOf(parseReference(text)))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

describe('isRepository', () => {
  it.each(['example.io/app', 'localhost:5000/a/b'])('accepts %s', (text) => {
    expect(isRepository(text)).toBe(true);
  });

  it.each(['example.io', 'app', '*', 'example.io/*', 'example.io/app:v1', '', '/', 'a/b@c'])(
    'refuses %s',
    (text) => {
      expect(isRepository(text)).toBe(false);
    },
  );
});

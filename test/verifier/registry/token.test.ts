import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { isFresh, parseToken, tokenUrl } from '../../../agent/verifier/registry/token.ts';
import { expectCode } from '../../support/expect-code.ts';

const NOW_MS = 1_000_000;

describe('parseToken', () => {
  it.each([
    ['token and lifetime', { token: 'abc', expires_in: 300 }, 300],
    ['the name that OAuth gives it', { access_token: 'abc', expires_in: 300 }, 300],
    ['no lifetime', { token: 'abc' }, 60],
    ['a lifetime that is no number', { token: 'abc', expires_in: '300' }, 60],
    ['no prototype', Object.assign(Object.create(null) as object, { token: 'abc' }), 60],
  ])('reads %s', (_, value, lifetimeS) => {
    const token = parseToken(value, NOW_MS, 'token service');
    expect(token).toEqual({ value: 'abc', expiresAtMs: NOW_MS + lifetimeS * 1000 });
  });

  it.each([
    null,
    'abc',
    {},
    { token: 1 },
    { token: '' },
    { token: 'a b' },
    { token: 'a\nb' },
    { token: 'ä' },
  ])('refuses %j', (value) => {
    expectCode(() => parseToken(value, NOW_MS, 'token service'), 'registry_failed');
  });

  it('gives a token or throws an AgentError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          expect(parseToken(value, NOW_MS, 'token service').value).toMatch(/^[\x21-\x7e]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

describe('isFresh', () => {
  it('ends ten seconds before the token does', () => {
    const token = { value: 'abc', expiresAtMs: NOW_MS };
    expect(isFresh(token, NOW_MS - 10_001)).toBe(true);
    expect(isFresh(token, NOW_MS - 10_000)).toBe(false);
    expect(isFresh({ value: 'abc', expiresAtMs: NaN }, NOW_MS)).toBe(false);
  });
});

describe('tokenUrl', () => {
  const https = { repository: 'team/app', origin: new URL('https://registry.example/') };
  const http = { repository: 'team/app', origin: new URL('http://registry.example/') };
  const ask = (realm: string, target = https) =>
    tokenUrl({ realm, service: 'registry' }, target, 'token service').href;

  it('asks to pull from one repository, whatever else the realm asks for', () => {
    expect(ask('https://auth.example/token?account=a&scope=repository:*:push')).toBe(
      'https://auth.example/token?account=a&scope=repository%3Ateam%2Fapp%3Apull&service=registry',
    );
  });

  it('takes a realm in plain HTTP only from a registry in plain HTTP', () => {
    expect(ask('http://auth.example/token', http)).toMatch(/^http:/);
    expect(ask('https://auth.example/token', http)).toMatch(/^https:/);
    expectCode(() => ask('http://auth.example/token'), 'registry_failed');
  });

  it.each([
    ...['token', '/token', 'file:///etc/shadow', 'https://user:secret@auth.example/'],
    ...['https://secret@auth.example/', 'https://:secret@auth.example/'],
  ])('refuses the realm %s', (realm) => {
    for (const target of [https, http]) {
      const error = expectCode(() => ask(realm, target), 'registry_failed');
      expect(error.message).not.toContain('secret');
    }
  });

  it('names the service only where the registry did', () => {
    const realm = 'https://auth.example/token';
    const url = tokenUrl({ realm, service: undefined }, https, 'token service');
    expect([...url.searchParams.keys()]).toEqual(['scope']);
    expect(new URL(ask(realm)).searchParams.get('service')).toBe('registry');
  });
});

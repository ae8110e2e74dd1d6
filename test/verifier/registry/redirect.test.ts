import { describe, expect, it } from 'vitest';
import { isRedirect, redirectTarget } from '../../../agent/verifier/registry/redirect.ts';
import { expectCode } from '../../support/expect-code.ts';

const HTTPS = new URL('https://registry.example/v2/a/blobs/sha256:0');
const HTTP = new URL('http://registry.example/v2/a/blobs/sha256:0');

describe('redirectTarget', () => {
  it.each([
    [HTTPS, 'https://storage.example/x?signature=y#part', 'https://storage.example/x?signature=y'],
    [HTTPS, '/x', 'https://registry.example/x'],
    [HTTP, '/x', 'http://registry.example/x'],
    [HTTP, 'http://storage.example/x', 'http://storage.example/x'],
    [HTTP, 'https://storage.example/x', 'https://storage.example/x'],
  ])('leads from %s by %s', (from, location, target) => {
    expect(redirectTarget(from, location, 'blob').href).toBe(target);
  });

  it.each([
    ['down to plain HTTP', 'http://registry.example/x'],
    ['to a file', 'file:///etc/shadow'],
    ['to data', 'data:text/plain,x'],
    ['with credentials', 'https://user:secret@storage.example/x'],
    ['to no URL', 'https://'],
    ['to nowhere', undefined],
  ])('refuses to lead %s', (_, location) => {
    expectCode(() => redirectTarget(HTTPS, location, 'blob'), 'registry_redirect_refused');
  });

  it('shows neither query nor credentials', () => {
    for (const location of ['http://u:secret@h/?k=secret', 'http://?secret', 'ftp://u:secret@h/']) {
      const refuse = () => redirectTarget(HTTPS, location, 'blob');
      expect(expectCode(refuse, 'registry_redirect_refused').message).not.toContain('secret');
    }
  });
});

describe('isRedirect', () => {
  it('leaves out what has no location to go to', () => {
    const redirects = [300, 301, 302, 303, 304, 305, 306, 307, 308].filter(isRedirect);
    expect(redirects).toEqual([301, 302, 303, 307, 308]);
  });
});

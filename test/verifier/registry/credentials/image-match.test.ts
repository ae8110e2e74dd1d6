import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  matchesImage,
  parseImagePattern,
} from '../../../../agent/verifier/registry/credentials/image-match.ts';

function matches(pattern: string, image: string): boolean | undefined {
  const [a, b] = [parseImagePattern(pattern), parseImagePattern(image)];
  return a === undefined || b === undefined ? undefined : matchesImage(a, b);
}

describe('a pattern of images', () => {
  // The table of "CredentialProviderConfig", and of kubelet's own rules.
  it.each([
    ['123456789.dkr.ecr.us-east-1.amazonaws.com', '123456789.dkr.ecr.us-east-1.amazonaws.com/a'],
    ['*.azurecr.io', 'acme.azurecr.io/team/app'],
    ['gcr.io', 'gcr.io/project/app'],
    ['*.*.registry.io', 'a.b.registry.io/app'],
    ['registry.io:8080/path', 'registry.io:8080/path/app'],
    ['app*.k8s.io', 'app1.k8s.io/a'],
    ['app*.k8s.io', 'app.k8s.io/a'],
    ['k8s.*.io', 'k8s.any.io/a'],
    ['*.dkr.ecr.*.amazonaws.com', '1.dkr.ecr.eu-west-1.amazonaws.com/app'],
    ['*-docker.pkg.dev', 'europe-docker.pkg.dev/project/app'],
    ['registry-[0-9].example', 'registry-7.example/app'],
    ['example.com/team', 'example.com/teams'],
    ['localhost:5000', 'localhost:5000/app'],
    ['*', 'localhost/app'],
    ['a*b*c', 'aXbYbc/app'],
  ])('%s is for %s', (pattern, image) => {
    expect(matches(pattern, image)).toBe(true);
  });

  it.each([
    ['*.io', 'a.b.io/app', 'a star is for one label'],
    ['registry.io', 'registry.io:8080/app', 'another port'],
    ['registry.io:8080', 'registry.io/app', 'a port that is not there'],
    ['registry.io/path', 'registry.io/other/app', 'another path'],
    ['registry.io/a*', 'registry.io/abc', 'no star in paths'],
    ['https://registry.io', 'registry.io/app', 'a scheme'],
    ['registry.io', 'registry.io.attacker.example/app', 'another host that begins like it'],
    ['registry.io', 'attacker.example/registry.io/app', 'a path that is called like it'],
    ['registry.io:*', 'registry.io:5000/app', 'no star in ports'],
    ['*.example', '.example.attacker/app', 'other labels'],
    ['registry-[0-9].example', 'registry-a.example/app', 'no character of the set'],
    ['a*b*c', 'aXbYb/app', 'an end that is missing'],
  ])('%s is not for %s: %s', (pattern, image) => {
    expect(matches(pattern, image)).not.toBe(true);
  });

  it.each(['', '/', 'a b', 'a.example:port', 'a:1:2', 'x'.repeat(1025)])('is not %j', (text) => {
    expect(parseImagePattern(text)).toBeUndefined();
  });

  it('is for itself whenever it has no star, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, image) => {
        expect([true, false, undefined]).toContain(matches(pattern, image));
      }),
    );
    const plain = fc.stringMatching(
      /^[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,3}(:\d{1,5})?(\/[a-z]{1,5}){0,2}$/,
    );
    fc.assert(fc.property(plain, (name) => matches(name, name) === true));
  });

  it('takes no time that grows like a power of its stars', () => {
    expect(matches(`${'*a'.repeat(300)}b`, `${'a'.repeat(500)}/app`)).toBe(false);
  });
});

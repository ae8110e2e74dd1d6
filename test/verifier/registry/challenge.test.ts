import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectChallenge } from '../../../agent/verifier/registry/challenge.ts';

const BEARER = { scheme: 'bearer', realm: 'https://auth.example/token', service: 'registry' };

describe('selectChallenge', () => {
  it.each([
    ['quoted', 'Bearer realm="https://auth.example/token",service="registry"'],
    ['bare', 'Bearer realm=https://auth.example/token,service=registry'],
    ['spaced and cased', 'bearer Realm = "https://auth.example/token" , SERVICE = "registry"'],
    ['with a scope', 'Bearer realm="https://auth.example/token",service="registry",scope="a:b:c"'],
    ['after Basic', 'Basic realm="x", Bearer realm="https://auth.example/token",service=registry'],
    ['before Basic', 'Bearer realm="https://auth.example/token",service="registry", Basic realm=x'],
    ['escaped', String.raw`Bearer realm="https:\/\/auth.example/token",service="registry"`],
  ])('reads Bearer %s', (_, header) => {
    expect(selectChallenge(header)).toEqual(BEARER);
  });

  it('does without a service', () => {
    const realm = 'https://auth.example/token';
    const challenge = selectChallenge(`Bearer realm="${realm}"`);
    expect(challenge).toEqual({ scheme: 'bearer', realm, service: undefined });
  });

  it('keeps a comma and a scheme name inside quotes where they are', () => {
    const challenge = selectChallenge('Bearer realm="https://a/?x=1, Basic y",service="s"');
    expect(challenge).toMatchObject({ scheme: 'bearer', realm: 'https://a/?x=1, Basic y' });
  });

  it.each(['Basic realm="registry"', 'BASIC', 'Basic realm="x", Bearer service="no realm"'])(
    'reads Basic in %s',
    (header) => {
      expect(selectChallenge(header)).toEqual({ scheme: 'basic' });
    },
  );

  it.each([undefined, '', ',', 'Bearer', 'Negotiate', 'Digest realm="x"', '"', 'realm="x"'])(
    'finds nothing to answer in %j',
    (header) => {
      expect(selectChallenge(header)).toBeUndefined();
    },
  );

  it('never throws', () => {
    const pieces = fc.constantFrom('Bearer', 'Basic', 'realm', '=', '"', ',', ' ', '\\', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (header) => {
          expect(['bearer', 'basic', undefined]).toContain(selectChallenge(header)?.scheme);
        },
      ),
    );
  });

  it('reads a hostile header in time that grows with its length', () => {
    const started = performance.now();
    selectChallenge(`Bearer realm="${'\\'.repeat(100_000)}`);
    selectChallenge(`Bearer ${'a ='.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

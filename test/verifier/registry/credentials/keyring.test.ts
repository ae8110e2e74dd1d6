import { describe, expect, it } from 'vitest';
import type { Secret } from '../../../../agent/verifier/registry/credentials/credential.ts';
import { Keyring } from '../../../../agent/verifier/registry/credentials/keyring.ts';

const secret = (username: string): Secret => ({ kind: 'basic', username, password: 'p' });
const lookup = (names: readonly string[], repository: string): string[] => {
  const keyring = new Keyring(names.map((name) => [name, secret(name)]));
  return keyring.lookup(repository).map((found) => (found.kind === 'basic' ? found.username : ''));
};

describe('a keyring', () => {
  it.each([
    ['registry.example'],
    ['https://registry.example'],
    ['http://registry.example/'],
    ['https://registry.example/v1/'],
    ['registry.example/v2/'],
    ['registry.example/v2/team'],
    ['registry.example/team/app'],
    ['*.example'],
  ])('has what is written under %s', (name) => {
    expect(lookup([name], 'registry.example/team/app')).toEqual([name]);
  });

  it.each([
    ['registry.example:443'],
    ['registry.example/other'],
    ['example'],
    ['https://registry.example.attacker/v1/'],
    ['not a host'],
    ['index.docker.io'],
  ])('has not what is written under %s', (name) => {
    expect(lookup([name], 'registry.example/team/app')).toEqual([]);
  });

  it('gives all, the more specific first', () => {
    const names = ['registry.example', 'registry.example/team/app', 'registry.example/team'];
    expect(lookup(names, 'registry.example/team/app')).toEqual([names[1], names[2], names[0]]);
  });

  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'https://docker.io'])(
    'has for Docker Hub what is written under %s',
    (name) => {
      expect(lookup([name], 'docker.io/library/busybox')).toEqual([name]);
    },
  );

  it('has for Docker Hub’s other name nothing else than for its own', () => {
    const names = ['docker.io/team', 'https://index.docker.io/v1/'];
    expect(lookup(names, 'docker.io/team/app')).toEqual(['docker.io/team']);
    expect(lookup(names, 'docker.io/other/app')).toEqual(['https://index.docker.io/v1/']);
  });
});

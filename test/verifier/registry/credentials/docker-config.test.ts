import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentError } from '../../../../agent/errors.ts';
import {
  type DockerConfigForm,
  MAX_DOCKER_CONFIG_BYTES,
  parseDockerConfig,
} from '../../../../agent/verifier/registry/credentials/docker-config.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';

const REPOSITORY = 'registry.example/team/app';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function parse(value: unknown, form: DockerConfigForm = 'config') {
  const faults: AgentError[] = [];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const config = parseDockerConfig(text, 'config.json', form, (fault) => faults.push(fault));
  return { ...config, faults, found: config.keyring.lookup(REPOSITORY) };
}
const entry = (value: unknown) => parse({ auths: { 'registry.example': value } });

describe('an entry', () => {
  const basic = { kind: 'basic', username: 'user', password: 'pass:word' };

  it.each([
    ['auth', { auth: base64('user:pass:word') }],
    ['auth without padding', { auth: base64('user:pass:word').replace(/=+$/, '') }],
    [
      'auth with line breaks',
      { auth: `${base64('user:pass:word').slice(0, 8)}\n${base64('user:pass:word').slice(8)}\n` },
    ],
    ['auth that zeros follow', { auth: base64('user:pass:word\0\0') }],
    ['a name and a password', { username: 'user', password: 'pass:word' }],
    ['auth before a name', { auth: base64('user:pass:word'), username: 'x', password: 'y' }],
  ])('with %s is a name and a password', (_, value) => {
    expect(entry(value).found).toEqual([basic]);
  });

  it('with an identity token is that alone', () => {
    const value = { auth: base64('user:'), identitytoken: 'refresh' };
    expect(entry(value).found).toEqual([{ kind: 'identity_token', token: 'refresh' }]);
  });

  it('with a registry token is that alone', () => {
    const found = [{ kind: 'registry_token', token: 'bearer' }];
    expect(entry({ registrytoken: 'bearer' }).found).toEqual(found);
  });

  it.each([[{}], [{ email: 'a@b' }], [{ auth: '' }]])(
    'is none when it says no more than %j',
    (value) => {
      const { found, faults } = entry(value);
      expect([found, faults]).toEqual([[], []]);
    },
  );

  it.each([
    [{ auth: '!!!!' }],
    [{ auth: base64('no colon') }],
    [{ auth: 7 }],
    [{ registrytoken: 'a\r\nX-Injected: b' }],
    ['text'],
    [null],
    [[]],
  ])('that is %j takes no other with it', (value) => {
    const auths = { broken: value, 'registry.example': { username: 'a', password: 'b' } };
    const { found, faults } = parse({ auths });
    expect(found).toHaveLength(1);
    expect(faults.map(({ code }) => code)).toEqual(['credentials_invalid']);
  });

  it('is never quoted when it is wrong', () => {
    const { faults } = entry({ auth: base64('a secret without a separator') });
    expect(faults).toHaveLength(1);
    expect(String(faults[0])).not.toMatch(/secret|YSBz/);
  });
});

describe('a configuration', () => {
  it('names helpers for registries and one for all else', () => {
    const { helpers, store } = parse({
      credHelpers: { 'a.example': 'ecr-login' },
      credsStore: 'pass',
    });
    expect([[...helpers], store]).toEqual([[['a.example', 'ecr-login']], 'pass']);
    expect(parse({ credsStore: '' }).store).toBeUndefined();
  });

  it.each(['../../bin/sh', 'a/b', '', '-x', 'a b', 'x'.repeat(65), 7])(
    'names no helper %j',
    (name) => {
      expectCode(() => parse({ credHelpers: { 'a.example': name } }), 'credentials_invalid');
    },
  );

  it('in its older form is the registries alone', () => {
    const legacy = { 'registry.example': { username: 'a', password: 'b' } };
    expect(parse(legacy, 'legacy').found).toHaveLength(1);
    expect(parse({ auths: legacy }, 'legacy').found).toEqual([]);
  });

  it.each(['', '[]', 'null', '{', '{"auths":[]}', '{"auths":{},"auths":{}}'])(
    'is not %s',
    (text) => {
      expectCode(() => parse(text), 'credentials_invalid');
    },
  );

  it('is not larger than a Secret', () => {
    expectCode(() => parse(' '.repeat(MAX_DOCKER_CONFIG_BYTES) + '{}'), 'credentials_invalid');
  });

  it('is a value or our own error, whatever it is read from', () => {
    const auth = fc.record(
      {
        auth: fc.string(),
        username: fc.string(),
        password: fc.anything(),
        identitytoken: fc.string(),
      },
      { requiredKeys: [] },
    );
    const value = fc.record(
      {
        auths: fc.dictionary(fc.string(), fc.oneof(auth, fc.anything())),
        credsStore: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.string(),
      value.map((one) => JSON.stringify(one)),
    );
    fc.assert(fc.property(text, (one) => void valueOrAgentError(() => parse(one).found)));
  });
});

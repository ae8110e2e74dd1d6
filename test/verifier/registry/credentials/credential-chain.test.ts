import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../agent/errors.ts';
import { createCredentialChain } from '../../../../agent/verifier/registry/credentials/credential-chain.ts';
import type { Secret } from '../../../../agent/verifier/registry/credentials/credential.ts';
import type { SecretSource } from '../../../../agent/verifier/registry/credentials/secret-source.ts';

const secret = (username: string): Secret => ({ kind: 'basic', username, password: 'p' });
const source = (name: SecretSource['name'], lookup: SecretSource['lookup']): SecretSource => {
  return { name, lookup };
};
const having = (name: SecretSource['name'], ...names: readonly string[]): SecretSource =>
  source(name, () => Promise.resolve(names.map(secret)));
const REPOSITORY = { registry: 'a.example', repository: 'app' };

function open(sources: readonly SecretSource[], waitMs = 5_000) {
  const faults: AgentError[] = [];
  const clock = { nowMs: 1_000_000 };
  const lookup = createCredentialChain({
    ...{ sources, waitMs, nowMs: () => clock.nowMs },
    onFault: (fault) => faults.push(fault),
  });
  const names = async () =>
    (await lookup(REPOSITORY)).map(
      (one) => `${one.source} ${'username' in one ? one.username : ''}`,
    );
  return { lookup, names, faults, clock };
}

describe('the sources of credentials', () => {
  it('are tried in their order, and what two have once', async () => {
    const { names } = open([
      having('pull_secret', 'a', 'b'),
      having('provider', 'c', 'a'),
      having('docker_config', 'd', 'b'),
    ]);
    expect(await names()).toEqual([
      'pull_secret a',
      'pull_secret b',
      'provider c',
      'docker_config d',
    ]);
  });

  it('do without one that fails, and tell', async () => {
    const broken = () => Promise.reject(new AgentError('credentials_invalid', 'broken'));
    const { names, faults } = open([source('provider', broken), having('docker_config', 'a')]);
    expect(await names()).toEqual(['docker_config a']);
    expect(faults.map(({ code }) => code)).toEqual(['credentials_invalid']);
  });

  it('do without one that takes too long, until it knows', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly Secret[]>();
    const slow = source('provider', () => promise);
    const { names, faults, clock } = open([slow, having('docker_config', 'a')], 20);
    expect(await names()).toEqual(['docker_config a']);
    expect(faults.map(({ code }) => code)).toEqual(['credential_program_failed']);
    resolve([secret('late')]);
    clock.nowMs += 5_000;
    expect(await names()).toEqual(['provider late', 'docker_config a']);
  });

  it('are asked once for what one verdict needs', async () => {
    let asked = 0;
    const counting = source('provider', () => Promise.resolve([secret(String((asked += 1)))]));
    const { names, clock } = open([counting]);
    await Promise.all([names(), names()]);
    expect(asked).toBe(1);
    clock.nowMs += 5_000;
    expect(await names()).toEqual(['provider 2']);
  });

  it('are bounded, each for itself', async () => {
    const many = Array.from({ length: 100 }, (_, index) => String(index));
    const { names } = open([having('pull_secret', ...many), having('docker_config', 'last')]);
    expect(await names()).toHaveLength(17);
    expect((await names()).at(-1)).toBe('docker_config last');
  });
});

import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../agent/errors.ts';
import {
  createPullSecretSource,
  type SecretPod,
} from '../../../../agent/verifier/registry/credentials/pull-secret-source.ts';

const REPOSITORY = { registry: 'a.example', repository: 'team/app' };
const pod = (namespace: string, secrets: readonly string[], changes: Partial<SecretPod> = {}) => ({
  namespace,
  secrets,
  repositories: new Set(['a.example/team/app']),
  serviceAccount: 'default',
  ...changes,
});
const config = (username: string, registry = 'a.example') => ({
  form: 'config' as const,
  document: Buffer.from(JSON.stringify({ auths: { [registry]: { username, password: 'p' } } })),
});

function open(pods: readonly SecretPod[], secrets: Readonly<Record<string, unknown>>) {
  const world = { pods, secrets, accounts: {} as Readonly<Record<string, readonly string[]>> };
  const asked: string[] = [];
  const faults: AgentError[] = [];
  const clock = { nowMs: 1_000_000 };
  const source = createPullSecretSource({
    nowMs: () => clock.nowMs,
    onFault: (fault) => faults.push(fault),
    api: {
      pods: () => (asked.push('pods'), Promise.resolve(world.pods)),
      serviceAccount: (namespace, name) => {
        asked.push(`account ${namespace}/${name}`);
        return Promise.resolve(world.accounts[`${namespace}/${name}`] ?? []);
      },
      secret: (namespace, name) => {
        asked.push(`${namespace}/${name}`);
        const found = world.secrets[`${namespace}/${name}`];
        if (found instanceof AgentError) return Promise.reject(found);
        return Promise.resolve((found ?? null) as ReturnType<typeof config> | null);
      },
    },
  });
  const names = async (repository = REPOSITORY) =>
    (await source.lookup(repository)).map((one) => ('username' in one ? one.username : ''));
  return { names, world, asked, faults, clock };
}

describe('pull secrets', () => {
  it('are those of the pods that name the repository, in turn', async () => {
    const other = pod('other', ['its'], { repositories: new Set(['a.example/other']) });
    const pods = [pod('one', ['first', 'second']), pod('two', ['third']), other];
    const secrets = {
      'one/first': config('a'),
      'one/second': config('b'),
      'two/third': config('c'),
      'other/its': config('d'),
    };
    const { names, asked } = open(pods, secrets);
    // The namespaces take turns.
    expect(await names()).toEqual(['a', 'c', 'b']);
    expect(asked).toEqual(['pods', 'one/first', 'two/third', 'one/second']);
  });

  it('are those of all pods where none names the repository', async () => {
    const pods = [pod('one', ['first'], { repositories: new Set(['a.example/other']) })];
    const { names } = open(pods, { 'one/first': config('a') });
    expect(await names()).toEqual(['a']);
  });

  it('are only for the registries that they name', async () => {
    const { names } = open([pod('one', ['first'])], { 'one/first': config('a', 'b.example') });
    expect(await names()).toEqual([]);
  });

  it('are the service account’s where the pod has none', async () => {
    const { names, world, asked } = open([pod('one', [])], { 'one/its': config('a') });
    world.accounts = { 'one/default': ['its'] };
    expect(await names()).toEqual(['a']);
    expect(asked).toEqual(['pods', 'account one/default', 'one/its']);
  });

  it('are asked for once a minute, and anew then', async () => {
    const { names, world, asked, clock } = open([pod('one', ['first'])], {
      'one/first': config('a'),
    });
    await Promise.all([names(), names()]);
    clock.nowMs += 59_999;
    await names();
    expect(asked).toEqual(['pods', 'one/first']);
    world.secrets = { 'one/first': config('b') };
    clock.nowMs += 1;
    expect(await names()).toEqual(['b']);
  });

  it('are those of a pod that has just come', async () => {
    const { names, world, clock } = open([], { 'one/first': config('a') });
    expect(await names()).toEqual([]);
    world.pods = [pod('one', ['first'])];
    clock.nowMs += 2_000;
    expect(await names()).toEqual(['a']);
  });

  it('do without those that may not be read, and tell', async () => {
    const secrets = {
      'one/first': new AgentError('kubernetes_failed', 'Secret one/first: expected 200, found 403'),
      'one/second': { form: 'config', document: Buffer.from('a secret {') },
      'one/third': config('c'),
    };
    const { names, faults } = open([pod('one', ['first', 'second', 'third', 'gone'])], secrets);
    expect(await names()).toEqual(['c']);
    expect(faults.map(({ code }) => code)).toEqual(['kubernetes_failed', 'credentials_invalid']);
    expect(faults.join()).not.toContain('a secret');
  });

  it('run no helper that they name', async () => {
    const document = Buffer.from('{"credsStore":"pass","credHelpers":{"a.example":"pass"}}');
    const { names, faults } = open([pod('one', ['first'])], {
      'one/first': { form: 'config', document },
    });
    expect([await names(), faults]).toEqual([[], []]);
  });

  it('are tried although another namespace names the repository with many', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const secrets = Object.fromEntries(many.map((name) => [`other/${name}`, config(name)]));
    const pods = [pod('other', many), pod('one', ['first'])];
    const { names } = open(pods, { ...secrets, 'one/first': config('a') });
    expect((await names()).slice(0, 2)).toEqual(['s0', 'a']);
  });

  it('are bounded', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const secrets = Object.fromEntries(many.map((name) => [`one/${name}`, config(name)]));
    const { names, asked } = open([pod('one', many)], secrets);
    expect(await names()).toHaveLength(64);
    expect(asked).toHaveLength(65);
  });
});

// Provider plugins that are given tokens of service accounts: real programs, and an API server that tells what it was asked.
import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../agent/errors.ts';
import { OWN_HOST } from '../../../../agent/verifier/registry/credentials/host-access.ts';
import {
  type AccountApi,
  type AccountPod,
  PodAccounts,
} from '../../../../agent/verifier/registry/credentials/pod-accounts.ts';
import { createProviderSource } from '../../../../agent/verifier/registry/credentials/provider-source.ts';
import { createProgramFolder } from '../../../support/credential-programs.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const KEY = 'registry.example/client-id';
const IMAGE = 'a.example/team/app';

/** Gives what it was told back, as a credential. */
const ECHO = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const text = readFileSync(0, 'utf8');
appendFileSync(__filename + '.calls', text + '\\n');
const { apiVersion, serviceAccountToken, serviceAccountAnnotations } = JSON.parse(text);
const username = Object.values(serviceAccountAnnotations ?? {}).join('+');
const auth = { '*.example': { username, password: serviceAccountToken ?? 'none' } };
const kind = 'CredentialProviderResponse';
console.log(JSON.stringify({ apiVersion, kind, cacheKeyType: 'Registry', auth }));
`;

function podOf(namespace: string, serviceAccount: string, name = 'app'): AccountPod {
  const uid = `uid-${namespace}-${name}`;
  return { namespace, name, uid, serviceAccount, repositories: new Set([IMAGE]) };
}

function open(pods: readonly AccountPod[], attributes: object = {}) {
  const folder = createProgramFolder();
  chmodSync(folder.write('provider', ECHO), 0o755);
  const provider = {
    ...{ name: 'provider', apiVersion: VERSION, matchImages: ['*.example'] },
    defaultCacheDuration: '6h',
    tokenAttributes: {
      ...{ serviceAccountTokenAudience: 'registry', cacheType: 'ServiceAccount' },
      ...{ requireServiceAccount: true, requiredServiceAccountAnnotationKeys: [KEY] },
      optionalServiceAccountAnnotationKeys: ['tenant'],
      ...attributes,
    },
  };
  const kind = 'CredentialProviderConfig';
  const config = { apiVersion: 'kubelet.config.k8s.io/v1', kind, providers: [provider] };
  const configFile = folder.write('providers.json', JSON.stringify(config));
  const faults: AgentError[] = [];
  const tokens: string[] = [];
  const clock = { nowMs: 1_000_000 };
  const world = {
    pods,
    annotations: new Map([
      [KEY, 'client'],
      ['other', 'hidden'],
    ]),
    refusesTokens: false,
  };
  const api: AccountApi = {
    pods: () => Promise.resolve(world.pods),
    account: (namespace, name) =>
      Promise.resolve(
        name === 'absent'
          ? null
          : { uid: `uid-${namespace}-${name}`, annotations: world.annotations },
      ),
    token: (pod, audience) => {
      if (world.refusesTokens) {
        return Promise.reject(new AgentError('kubernetes_failed', 'expected 201, found 403'));
      }
      tokens.push(`${pod.namespace}/${pod.serviceAccount} ${pod.uid} ${audience}`);
      return Promise.resolve(`token-${tokens.length}`);
    },
  };
  const [nowMs, onFault] = [() => clock.nowMs, (fault: AgentError) => faults.push(fault)];
  const source = createProviderSource({
    places: () => Promise.resolve({ configFile, binDir: folder.path }),
    host: { access: OWN_HOST, timeoutMs: 5_000, environment: {} },
    accounts: new PodAccounts({ api, nowMs, onFault }),
    loadYaml: () => Promise.reject(new Error('it is JSON')),
    ...{ nowMs, onFault },
  });
  const lookup = async (repository = 'team/app') => {
    const secrets = await source.lookup({ registry: 'a.example', repository });
    return secrets.map((one) => (one.kind === 'basic' ? `${one.username}:${one.password}` : ''));
  };
  return { lookup, faults, tokens, clock, world, calls: () => folder.calls('provider') };
}

describe('a provider plugin with tokenAttributes', () => {
  it('is given a token that is bound to the pod, and the annotations that it asks for', async () => {
    const { lookup, tokens, calls } = open([podOf('team', 'builder')]);
    expect(await lookup()).toEqual(['client:token-1']);
    expect(tokens).toEqual(['team/builder uid-team-app registry']);
    expect(JSON.parse(calls()[0] ?? '')).toEqual({
      ...{ apiVersion: VERSION, kind: 'CredentialProviderRequest', image: IMAGE },
      serviceAccountToken: 'token-1',
      serviceAccountAnnotations: { [KEY]: 'client' },
    });
  });

  it('is run for each account whose pods name the image, and for no other', async () => {
    const other = { ...podOf('team', 'other'), repositories: new Set(['a.example/elsewhere']) };
    const { lookup } = open([podOf('team', 'builder'), podOf('prod', 'runner'), other]);
    expect(await lookup()).toEqual(['client:token-1', 'client:token-2']);
    expect(await lookup('team/nobody')).toEqual([]);
  });

  it('is told of an optional annotation that is there', async () => {
    const { lookup, world } = open([podOf('team', 'builder')]);
    world.annotations.set('tenant', 'acme');
    expect(await lookup()).toEqual(['client+acme:token-1']);
  });

  it('is not run for an account without a required annotation, or that is not there', async () => {
    const { lookup, faults, tokens, world } = open([
      podOf('team', 'builder'),
      podOf('team', 'absent'),
    ]);
    world.annotations.delete(KEY);
    expect(await lookup()).toEqual([]);
    expect([faults, tokens]).toEqual([[], []]);
  });

  it('is run without a token for a pod without an account only where it says that it may be', async () => {
    expect(await open([podOf('team', '')]).lookup()).toEqual([]);
    const may = { requireServiceAccount: false, requiredServiceAccountAnnotationKeys: [] };
    const { lookup, calls } = open([podOf('team', '')], may);
    expect(await lookup()).toEqual([':none']);
    expect(calls()[0]).not.toContain('serviceAccount');
  });

  it.each([
    ['ServiceAccount', 1],
    ['Token', 2],
  ])('has its answer kept for a %s', async (cacheType, runs) => {
    const { lookup, tokens, clock, calls } = open([podOf('team', 'builder')], { cacheType });
    await lookup();
    await lookup();
    expect([tokens.length, calls().length]).toEqual([1, 1]);
    // By then there is another token, and the answer is good for hours.
    clock.nowMs += 10 * 60_000;
    await lookup();
    expect([tokens.length, calls().length]).toEqual([2, runs]);
  });

  it('gives nobody the answer of another account', async () => {
    const { lookup, world, clock } = open([podOf('team', 'builder')]);
    expect(await lookup()).toEqual(['client:token-1']);
    world.pods = [podOf('prod', 'runner')];
    clock.nowMs += 60_000;
    expect(await lookup()).toEqual(['client:token-2']);
  });

  it('is run for others while the API server gives no token for one, which is told', async () => {
    const { lookup, faults, world, clock } = open([podOf('team', 'builder')]);
    world.refusesTokens = true;
    expect(await lookup()).toEqual([]);
    expect(faults.map(({ code }) => code)).toEqual(['kubernetes_failed']);
    world.refusesTokens = false;
    clock.nowMs += 10_000;
    expect(await lookup()).toEqual(['client:token-1']);
  });

  it('is run for as many accounts as are worth trying, of all namespaces', async () => {
    const many = Array.from({ length: 20 }, (_, n) => podOf('crowd', `account-${n}`, `pod-${n}`));
    const { lookup, tokens } = open([...many, podOf('team', 'builder')]);
    expect(await lookup()).toHaveLength(8);
    expect(tokens.filter((one) => one.startsWith('team/'))).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AgentError } from '../../../../agent/errors.ts';
import {
  type HostAccess,
  OWN_HOST,
} from '../../../../agent/verifier/registry/credentials/host-access.ts';
import { createProviderSource } from '../../../../agent/verifier/registry/credentials/provider-source.ts';
import {
  createProgramFolder,
  MISBEHAVIOURS,
  type ProgramFolder,
} from '../../../support/credential-programs.ts';
import { expectCodeAsync } from '../../../support/expect-code.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const SECRET = { kind: 'basic', username: 'user', password: 'pass' };

const config = (changes = '') => `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: provider
    apiVersion: ${VERSION}
    matchImages: ['*.example']
    defaultCacheDuration: 1h
${changes}`;

function answer(changes: object = {}): string {
  const response = {
    apiVersion: VERSION,
    kind: 'CredentialProviderResponse',
    cacheKeyType: 'Registry',
    auth: { '*.example': { username: 'user', password: 'pass' } },
    ...changes,
  };
  return `echo '${JSON.stringify(response)}'`;
}

function open(
  folder: ProgramFolder,
  text: string,
  script: string = answer(),
  access: HostAccess = OWN_HOST,
) {
  folder.add('provider', script);
  const configFile = folder.write('providers.yaml', text);
  const faults: AgentError[] = [];
  const clock = { nowMs: 1_000_000 };
  const source = createProviderSource({
    places: () => Promise.resolve({ configFile, binDir: folder.path }),
    host: { access, timeoutMs: 2_000, environment: {} },
    loadYaml: () => Promise.resolve((yaml) => parse(yaml) as unknown),
    nowMs: () => clock.nowMs,
    onFault: (fault) => faults.push(fault),
  });
  const lookup = (registry: string, repository = 'team/app') =>
    source.lookup({ registry, repository });
  return { lookup, faults, clock, runs: () => folder.calls('provider').length };
}

describe('credentials of kubelet’s provider plugins', () => {
  it('are asked for as kubelet asks', async () => {
    const folder = createProgramFolder();
    const { lookup } = open(folder, config());
    expect(await lookup('a.example')).toEqual([SECRET]);
    expect(folder.calls('provider').map((call) => JSON.parse(call) as unknown)).toEqual([
      { apiVersion: VERSION, kind: 'CredentialProviderRequest', image: 'a.example/team/app' },
    ]);
  });

  it('may be configured in JSON', async () => {
    const folder = createProgramFolder();
    const { lookup } = open(folder, JSON.stringify(parse(config())));
    expect(await lookup('a.example')).toEqual([SECRET]);
  });

  it('are not asked for where no pattern is for the image', async () => {
    const folder = createProgramFolder();
    const { lookup, runs } = open(folder, config());
    expect(await lookup('a.other')).toEqual([]);
    expect(runs()).toBe(0);
  });

  it('are not for an image that the response is not for', async () => {
    const folder = createProgramFolder();
    const auth = { 'b.example': { username: 'user', password: 'pass' } };
    const { lookup } = open(folder, config(), answer({ auth }));
    expect(await lookup('a.example')).toEqual([]);
  });

  it('come with the arguments and the variables of the configuration', async () => {
    const folder = createProgramFolder();
    const changes = "    args: [get]\n    env: [{ name: USER_NAME, value: 'of the env' }]\n";
    const script = answer().replace('"username":"user"', `"username":"'"$1 $USER_NAME"'"`);
    const { lookup } = open(folder, config(changes), script);
    expect(await lookup('a.example')).toEqual([{ ...SECRET, username: 'get of the env' }]);
  });

  it('are asked for in the host’s root, where that is not ours', async () => {
    const folder = createProgramFolder();
    const script = answer().replace('"username":"user"', `"username":"'"$ENTERED"'"`);
    const access = { ...OWN_HOST, enter: ['env', 'ENTERED=the host'] };
    const { lookup } = open(folder, config(), script, access);
    expect(await lookup('a.example')).toEqual([{ ...SECRET, username: 'the host' }]);
  });

  it.each([
    ['Image', [true, true, true]],
    ['Registry', [false, false, true]],
    ['Global', [false, false, false]],
  ] as const)('are kept for what they say they are for: %s', async (cacheKeyType, isAskedAgain) => {
    const folder = createProgramFolder();
    const { lookup, runs } = open(folder, config(), answer({ cacheKeyType }));
    await lookup('a.example', 'first');
    await lookup('a.example', 'first');
    expect(runs()).toBe(1);
    const asked: boolean[] = [];
    for (const [registry, repository] of [
      ['a.example', 'second'],
      ['a.example', 'third'],
      ['b.example', 'first'],
    ] as const) {
      const before = runs();
      await lookup(registry, repository);
      asked.push(runs() > before);
    }
    expect(asked).toEqual(isAskedAgain);
  });

  it.each([
    ['as the configuration says', {}, 3_600_000],
    ['as they say themselves', { cacheDuration: '5m0s' }, 300_000],
  ])('are kept as long %s', async (_, changes, keptMs) => {
    const folder = createProgramFolder();
    const { lookup, runs, clock } = open(folder, config(), answer(changes));
    await lookup('a.example');
    clock.nowMs += keptMs - 1;
    await lookup('a.example');
    expect(runs()).toBe(1);
    clock.nowMs += 1;
    await lookup('a.example');
    expect(runs()).toBe(2);
  });

  it('are not kept when they say so', async () => {
    const folder = createProgramFolder();
    const { lookup, runs } = open(folder, config(), answer({ cacheDuration: '0s' }));
    await lookup('a.example');
    await lookup('a.example');
    expect(runs()).toBe(2);
  });

  it('are asked for once by all who wait', async () => {
    const folder = createProgramFolder();
    const { lookup, runs } = open(folder, config());
    await Promise.all([lookup('a.example'), lookup('a.example'), lookup('a.example')]);
    expect(runs()).toBe(1);
  });

  it.each(Object.entries(MISBEHAVIOURS))('are none when the plugin %s', async (_, script) => {
    const folder = createProgramFolder();
    const { lookup, faults, runs, clock } = open(folder, config(), script);
    expect(await lookup('a.example')).toEqual([]);
    expect(faults.map(({ code }) => code)).toEqual(['credential_program_failed']);
    expect(String(faults[0])).not.toContain('secret');
    await lookup('a.example');
    expect(runs()).toBe(1);
    folder.add('provider', answer());
    clock.nowMs += 10_000;
    expect(await lookup('a.example')).toEqual([SECRET]);
  });

  it('are none when the plugin is not there, or speaks another version', async () => {
    const folder = createProgramFolder();
    const { lookup, faults } = open(folder, config().replace('name: provider', 'name: missing'));
    expect(await lookup('a.example')).toEqual([]);
    const other = open(createProgramFolder(), config(), answer({ apiVersion: `${VERSION}beta1` }));
    expect(await other.lookup('a.example')).toEqual([]);
    const codes = [...faults, ...other.faults].map(({ code }) => code);
    expect(codes).toEqual(['credential_program_failed', 'credential_program_failed']);
  });

  it('are none where the plugin wants a token, and nobody can ask for one', async () => {
    const folder = createProgramFolder();
    const changes =
      '    tokenAttributes: { serviceAccountTokenAudience: a, requireServiceAccount: true }\n';
    const { lookup, faults, runs } = open(folder, config(changes));
    expect(await lookup('a.example')).toEqual([]);
    expect([faults.length, runs()]).toEqual([1, 0]);
    expect(faults[0]?.message).toContain('NODESEAL_SERVICE_ACCOUNT_TOKENS');
  });

  it.each(['{', 'providers: [', '- a', ''])(
    'need a configuration, which %j is not',
    async (text) => {
      const { lookup } = open(createProgramFolder(), text);
      const error = await expectCodeAsync(lookup('a.example'), 'credentials_invalid');
      expect(error.message).toContain('providers.yaml');
    },
  );
});

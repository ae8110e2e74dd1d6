import { describe, expect, it } from 'vitest';
import type { AgentError } from '../../../../agent/errors.ts';
import { createDockerConfigSource } from '../../../../agent/verifier/registry/credentials/docker-config-source.ts';
import { OWN_HOST } from '../../../../agent/verifier/registry/credentials/host-access.ts';
import {
  createProgramFolder,
  MISBEHAVIOURS,
  type ProgramFolder,
} from '../../../support/credential-programs.ts';

const ANSWER = `echo '{"ServerURL":"x","Username":"user","Secret":"pass"}'`;
const PASS = { kind: 'basic', username: 'user', password: 'pass' };
const HELD = { kind: 'basic', username: 'held', password: 'here' };

function open(folder: ProgramFolder, config: unknown, environment: NodeJS.ProcessEnv = {}) {
  const path = folder.write('config.json', JSON.stringify(config));
  const faults: AgentError[] = [];
  const source = createDockerConfigSource({
    places: [{ path, form: 'config', access: OWN_HOST }],
    host: { access: OWN_HOST, timeoutMs: 2_000, environment },
    helperDirectories: [`${folder.path}/nowhere`, folder.path],
    onFault: (fault) => faults.push(fault),
  });
  const lookup = (registry: string) => source.lookup({ registry, repository: 'team/app' });
  return { lookup, faults };
}

describe('credentials of Docker', () => {
  it('are those in the file, as it is now', async () => {
    const folder = createProgramFolder();
    const auths = { 'a.example': { username: 'held', password: 'here' } };
    const { lookup } = open(folder, { auths });
    expect(await lookup('a.example')).toEqual([HELD]);
    expect(await lookup('b.example')).toEqual([]);
    folder.write('config.json', '{}');
    expect(await lookup('a.example')).toEqual([]);
  });

  it('are none where there is no file', async () => {
    const faults: AgentError[] = [];
    const source = createDockerConfigSource({
      places: [{ path: '/nowhere/config.json', form: 'config', access: OWN_HOST }],
      host: { access: OWN_HOST, timeoutMs: 2_000, environment: {} },
      onFault: (fault) => faults.push(fault),
    });
    expect(await source.lookup({ registry: 'a.example', repository: 'a' })).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('come first from the registry’s own helper, which is told the registry', async () => {
    const folder = createProgramFolder();
    folder.add('docker-credential-own', ANSWER);
    const auths = { 'a.example': { username: 'held', password: 'here' } };
    const { lookup } = open(folder, { auths, credHelpers: { 'a.example': 'own' } });
    expect(await lookup('a.example')).toEqual([PASS, HELD]);
    expect(await lookup('b.example')).toEqual([]);
    expect(folder.calls('docker-credential-own')).toEqual(['a.example']);
  });

  it('come last from the helper for all registries, to which Docker Hub is its old address', async () => {
    const folder = createProgramFolder();
    folder.add('docker-credential-store', ANSWER);
    const auths = { 'a.example': { username: 'held', password: 'here' } };
    const { lookup } = open(folder, { auths, credsStore: 'store' });
    expect(await lookup('a.example')).toEqual([HELD, PASS]);
    expect(await lookup('docker.io')).toEqual([PASS]);
    expect(folder.calls('docker-credential-store')).toEqual([
      'a.example',
      'https://index.docker.io/v1/',
    ]);
  });

  it('are a refresh token where the helper says so', async () => {
    const folder = createProgramFolder();
    folder.add('docker-credential-own', `echo '{"Username":"<token>","Secret":"refresh"}'`);
    const { lookup } = open(folder, { credsStore: 'own' });
    expect(await lookup('a.example')).toEqual([{ kind: 'identity_token', token: 'refresh' }]);
  });

  it('are none where the helper has none, which is no fault', async () => {
    const folder = createProgramFolder();
    folder.add('docker-credential-own', 'echo "credentials not found in native keychain"; exit 1');
    const { lookup, faults } = open(folder, { credsStore: 'own' });
    expect(await lookup('a.example')).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('are asked for without what our own environment holds', async () => {
    const folder = createProgramFolder();
    folder.add(
      'docker-credential-own',
      `echo "{\\"Username\\":\\"$SECRET-$HOME\\",\\"Secret\\":\\"x\\"}"`,
    );
    const { lookup } = open(folder, { credsStore: 'own' }, { SECRET: 'ours', HOME: '/home' });
    expect(await lookup('a.example')).toMatchObject([{ username: '-/home' }]);
  });

  it.each(Object.entries(MISBEHAVIOURS))(
    'are those of the file when a helper %s',
    async (_, script) => {
      const folder = createProgramFolder();
      folder.add('docker-credential-bad', script);
      const auths = { 'a.example': { username: 'held', password: 'here' } };
      const { lookup, faults } = open(folder, { auths, credsStore: 'bad' });
      expect(await lookup('a.example')).toEqual([HELD]);
      expect(faults.map(({ code }) => code)).toEqual(['credential_program_failed']);
      expect(String(faults[0])).not.toContain('secret');
    },
  );

  it('are those of the file when the helper is not there', async () => {
    const folder = createProgramFolder();
    const auths = { 'a.example': { username: 'held', password: 'here' } };
    const { lookup, faults } = open(folder, { auths, credsStore: 'missing' });
    expect(await lookup('a.example')).toEqual([HELD]);
    expect(faults.map(({ code }) => code)).toEqual(['credential_program_failed']);
  });

  it('are told to be none when the file cannot be read', async () => {
    const folder = createProgramFolder();
    const { lookup, faults } = open(folder, []);
    expect(await lookup('a.example')).toEqual([]);
    expect(faults.map(({ code }) => code)).toEqual(['credentials_invalid']);
  });
});

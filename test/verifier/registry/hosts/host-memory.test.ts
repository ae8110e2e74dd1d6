import { describe, expect, it } from 'vitest';
import { HostMemory } from '../../../../agent/verifier/registry/hosts/host-memory.ts';
import type { RegistryHost } from '../../../../agent/verifier/registry/hosts/registry-host.ts';

const hostOf = (name: string): RegistryHost => ({
  ...{ root: new URL(`https://${name}/v2/`), canResolve: true, canPull: true },
  ...{ isMirror: true, headers: {}, connection: undefined },
});
const named = (repository: string) => ({ registry: 'registry.example', repository });

describe('the memory of silent hosts', () => {
  it('knows for thirty seconds who did not answer', () => {
    let nowMs = 0;
    const memory = new HostMemory(() => nowMs);
    memory.noteSilence(hostOf('one'));
    nowMs = 29_999;
    expect(memory.isSilent(hostOf('one'))).toBe(true);
    expect(memory.isSilent(hostOf('two'))).toBe(false);
    nowMs = 30_000;
    expect(memory.isSilent(hostOf('one'))).toBe(false);
  });

  it('forgets the one that was silent longest ago when there are 256 others', () => {
    const memory = new HostMemory(() => 0);
    for (let index = 0; index < 256; index++) memory.noteSilence(hostOf(`host-${index}`));
    memory.noteSilence(hostOf('host-0'));
    expect(memory.isSilent(hostOf('host-1'))).toBe(true);
    memory.noteSilence(hostOf('host-256'));
    expect(memory.isSilent(hostOf('host-0'))).toBe(true);
    expect(memory.isSilent(hostOf('host-1'))).toBe(false);
    expect(memory.isSilent(hostOf('host-2'))).toBe(true);
  });
});

describe('the memory of who listed signatures', () => {
  it('is of the last to list those of a repository', () => {
    const memory = new HostMemory(() => 0);
    memory.noteListing(named('app'), hostOf('one'));
    expect(memory.hasListed(named('app'), hostOf('one'))).toBe(true);
    expect(memory.hasListed(named('other'), hostOf('one'))).toBe(false);
    memory.noteListing(named('app'), hostOf('two'));
    expect(memory.hasListed(named('app'), hostOf('one'))).toBe(false);
    expect(memory.hasListed(named('app'), hostOf('two'))).toBe(true);
  });

  it('forgets the repository that was listed longest ago when there are a thousand others', () => {
    const memory = new HostMemory(() => 0);
    const host = hostOf('one');
    for (let index = 0; index < 1_000; index++) memory.noteListing(named(`app-${index}`), host);
    expect(memory.hasListed(named('app-0'), host)).toBe(true);
    memory.noteListing(named('app-1000'), host);
    expect(memory.hasListed(named('app-0'), host)).toBe(false);
    expect(memory.hasListed(named('app-1'), host)).toBe(true);
  });
});

it('what a host lacks is remembered of each host by itself', () => {
  const memory = new HostMemory(() => 0);
  memory.referrersOf(hostOf('one')).note(named('app'), false);
  expect(memory.referrersOf(hostOf('one')).lacksApi(named('app'))).toBe(true);
  expect(memory.referrersOf(hostOf('two')).lacksApi(named('app'))).toBe(false);
});

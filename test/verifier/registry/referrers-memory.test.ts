import { describe, expect, it } from 'vitest';
import { ReferrersMemory } from '../../../agent/verifier/registry/referrers-memory.ts';

const named = (repository: string) => ({ registry: 'registry.example', repository });

describe('the memory of registries without the referrers API', () => {
  it('knows what it was told last', () => {
    const memory = new ReferrersMemory(() => 0);
    expect(memory.lacksApi(named('app'))).toBe(false);
    memory.note(named('app'), false);
    expect(memory.lacksApi(named('app'))).toBe(true);
    memory.note(named('app'), true);
    expect(memory.lacksApi(named('app'))).toBe(false);
  });

  it('is of a repository at its registry', () => {
    const memory = new ReferrersMemory(() => 0);
    memory.note(named('app'), false);
    expect(memory.lacksApi({ ...named('app'), registry: 'other.example' })).toBe(false);
  });

  it('takes a repository for what was noted last of its registry until it is noted itself', () => {
    const memory = new ReferrersMemory(() => 0);
    memory.note(named('app'), false);
    expect(memory.lacksApi(named('other'))).toBe(true);
    memory.note(named('other'), true);
    expect(memory.lacksApi(named('app'))).toBe(true);
    expect(memory.lacksApi(named('other'))).toBe(false);
    expect(memory.lacksApi(named('third'))).toBe(false);
  });

  it('knows nothing of either after five minutes', () => {
    let nowMs = 0;
    const memory = new ReferrersMemory(() => nowMs);
    memory.note(named('app'), false);
    nowMs = 5 * 60_000 - 1;
    expect(memory.lacksApi(named('app'))).toBe(true);
    expect(memory.lacksApi(named('other'))).toBe(true);
    nowMs += 1;
    expect(memory.lacksApi(named('app'))).toBe(false);
    expect(memory.lacksApi(named('other'))).toBe(false);
  });

  it('forgets the repository that was noted longest ago when there are a thousand others', () => {
    const memory = new ReferrersMemory(() => 0);
    for (let index = 0; index < 1_000; index++) memory.note(named(`app-${index}`), false);
    memory.note(named('app-0'), false);
    // Its registry is then known by another that has it.
    memory.note(named('app-1000'), true);
    expect(memory.lacksApi(named('app-0'))).toBe(true);
    expect(memory.lacksApi(named('app-1'))).toBe(false);
    expect(memory.lacksApi(named('app-2'))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { parseReference } from '../../agent/oci/reference.ts';
import { AgentError } from '../../agent/errors.ts';
import { rememberResolutions } from '../../agent/verifier/recent-resolutions.ts';
import type { RegistryClient } from '../../agent/verifier/registry/client.ts';
import { expectCodeAsync } from '../support/expect-code.ts';

const { signal } = new AbortController();
const TAGGED = parseReference('example.io/app:v1');
const DIGEST = `sha256:${'a'.repeat(64)}` as const;

function open() {
  const asked: string[] = [];
  const time = { ms: 0 };
  const world = { isDown: false, size: 1 };
  const resolve: RegistryClient['resolve'] = ({ registry, repository, tag, digest }) => {
    asked.push(`${registry}/${repository} ${digest ?? tag ?? ''}`);
    if (world.isDown) return Promise.reject(new AgentError('registry_unreachable', 'down'));
    const descriptor: Descriptor = { mediaType: 'x', digest: DIGEST, size: world.size };
    return Promise.resolve(descriptor);
  };
  const client = rememberResolutions({ resolve } as RegistryClient, () => time.ms);
  return { asked, time, world, client };
}

describe('recent resolutions', () => {
  it('answer for five seconds, and then ask again', async () => {
    const { client, asked, time, world } = open();
    const first = await client.resolve(TAGGED, signal);
    world.size = 2;
    time.ms = 4999;
    expect(await client.resolve(TAGGED, signal)).toBe(first);
    expect(asked).toHaveLength(1);
    time.ms = 5000;
    expect(await client.resolve(TAGGED, signal)).toMatchObject({ size: 2 });
  });

  it('are of one tag or digest of one repository', async () => {
    const { client, asked } = open();
    for (const text of ['a.io/app:v1', 'a.io/app:v2', 'b.io/app:v1', `a.io/app@${DIGEST}`]) {
      await client.resolve(parseReference(text), signal);
    }
    // Its digest decides, whatever tag stands beside it.
    await client.resolve(parseReference(`a.io/app:v9@${DIGEST}`), signal);
    expect(asked).toHaveLength(4);
  });

  it('remember no failure', async () => {
    const { client, world } = open();
    world.isDown = true;
    await expectCodeAsync(client.resolve(TAGGED, signal), 'registry_unreachable');
    world.isDown = false;
    expect(await client.resolve(TAGGED, signal)).toMatchObject({ digest: DIGEST });
  });

  it('are bounded', async () => {
    const { client, asked } = open();
    for (let n = 0; n <= 1000; n += 1) {
      await client.resolve(parseReference(`example.io/app:v${n}`), signal);
    }
    await client.resolve(parseReference('example.io/app:v1000'), signal);
    expect(asked).toHaveLength(1001);
    await client.resolve(parseReference('example.io/app:v0'), signal);
    expect(asked).toHaveLength(1002);
  });
});

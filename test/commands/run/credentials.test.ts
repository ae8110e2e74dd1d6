import { describe, expect, it, vi } from 'vitest';
import { Credentials } from '../../../agent/commands/run/credentials.ts';
import { parseConfig } from '../../../agent/config.ts';
import { AgentError } from '../../../agent/errors.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

function open() {
  const root = createHostRoot();
  const log = { debug: vi.fn(), warn: vi.fn() };
  const metrics = { countError: vi.fn(), countCredential: vi.fn() };
  const clock = { nowMs: 0 };
  const credentials = new Credentials({
    config: parseConfig({ NODESEAL_HOST_ROOT: root }),
    environment: {},
    clock: { now: () => new Date(clock.nowMs) },
    log,
  });
  credentials.metrics = metrics;
  return { root, log, metrics, clock, credentials };
}

describe('the credentials of a running agent', () => {
  it('are counted and told of by where they are from, and by nothing else', () => {
    const { log, metrics, credentials } = open();
    const taken = { registry: 'a.example', repository: 'app', source: 'provider' } as const;
    credentials.onCredential(taken);
    expect(metrics.countCredential.mock.calls).toEqual([['a.example', 'provider']]);
    const fields = { registry: 'a.example', repository: 'app', credential: 'provider' };
    expect(log.debug.mock.calls).toEqual([[fields, 'registry let us in']]);
  });

  it('are warned of once, and counted each time, when a source is of no use', async () => {
    const { root, log, metrics, clock, credentials } = open();
    put(root, 'var/lib/kubelet/config.json', '{"auths":{"a.example":{"auth":"a secret"}}}');
    for (const nowMs of [0, 10_000]) {
      clock.nowMs = nowMs;
      expect(await credentials.source({ registry: 'a.example', repository: 'app' })).toEqual([]);
    }
    expect(metrics.countError.mock.calls).toEqual([
      ['credentials_invalid'],
      ['credentials_invalid'],
    ]);
    expect(log.warn).toHaveBeenCalledOnce();
    expect(JSON.stringify(log.warn.mock.calls)).not.toContain('a secret');
  });

  it('are warned of once for each of many faults, and anew for more than are remembered', () => {
    const { log, credentials } = open();
    const warnings = (from: number, to: number): number => {
      log.warn.mockClear();
      for (let n = from; n < to; n += 1) {
        credentials.onFault(new AgentError('credentials_invalid', `fault ${n}`));
      }
      return log.warn.mock.calls.length;
    };
    expect([warnings(0, 64), warnings(0, 64)]).toEqual([64, 0]);
    expect([warnings(64, 65), warnings(64, 65), warnings(0, 1)]).toEqual([1, 0, 1]);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { counted, RegistryRequests } from '../../../agent/commands/run/registry-requests.ts';
import { parseDigest } from '../../../agent/oci/digest.ts';
import type { KnownSignatures } from '../../../agent/verifier/good-signatures.ts';

const EVENT = { operation: 'resolve', registry: 'a.example', status: 200, durationMs: 20 } as const;
const IMAGE = parseDigest(`sha256:${'a'.repeat(64)}`);
const NOW = new Date('2026-06-01T00:00:00Z');

describe('requests to registries', () => {
  it('reach the metrics in seconds, once there are any', () => {
    const requests = new RegistryRequests();
    requests.onRequest(EVENT);
    const observeRegistryRequest = vi.fn();
    requests.metrics = { observeRegistryRequest };
    requests.onRequest(EVENT);
    expect(observeRegistryRequest.mock.calls).toEqual([['a.example', 200, 0.02]]);
  });
});

describe('known signatures', () => {
  it('are those that are there, each look counted', () => {
    const known = { get: vi.fn(), put: vi.fn(), confirm: vi.fn() } satisfies KnownSignatures;
    const signature = { digest: IMAGE } as ReturnType<KnownSignatures['get']> & object;
    known.get.mockReturnValueOnce(signature);
    const countSignatureLookup = vi.fn();
    const signatures = counted(known, { countSignatureLookup });
    const name = { registry: 'a.example', repository: 'app' };
    expect(signatures.get(name, IMAGE, NOW)).toBe(signature);
    expect(signatures.get(name, IMAGE, NOW)).toBeUndefined();
    signatures.put(name, IMAGE, signature, NOW);
    signatures.confirm(name, IMAGE, signature);
    expect(countSignatureLookup.mock.calls).toEqual([
      ['a.example', true],
      ['a.example', false],
    ]);
    expect(known.put).toHaveBeenCalledWith(name, IMAGE, signature, NOW);
    expect(known.confirm).toHaveBeenCalledWith(name, IMAGE, signature);
  });
});

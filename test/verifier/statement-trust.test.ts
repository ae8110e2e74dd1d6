// The trust stores of a statement, each for itself.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import type { TrustStoreName } from '../../agent/notation/trustpolicy/trust-store-name.ts';
import { loadStatementTrust } from '../../agent/verifier/statement-trust.ts';
import type { TrustStores } from '../../agent/verifier/truststore/load.ts';
import { ca, otherCa, trustIn } from './fixture.ts';

const NAMES: readonly TrustStoreName[] = ['ca:acme', 'tsa:time'];
const load = trustIn({ 'ca:acme': ca.root, 'tsa:time': otherCa.root });
const missing = new AgentError('truststore_missing', 'no such store');

function without(gone: TrustStoreName, error: Error) {
  return (names: readonly TrustStoreName[]): Promise<TrustStores> =>
    names.includes(gone) ? Promise.reject(error) : load(names);
}

describe('the trust of a statement', () => {
  it('has all of its stores, in order, and their hash', async () => {
    const { stores, hash } = await loadStatementTrust(NAMES, load);
    expect(stores.map(({ name }) => name)).toEqual(NAMES);
    const loaded = await load(NAMES);
    expect(stores).toEqual(loaded.stores);
    expect(hash).toBe(loaded.hash);
  });

  it('is read at one moment, and store by store only when that fails', async () => {
    const asked: (readonly TrustStoreName[])[] = [];
    const noting = (from: typeof load) => (names: readonly TrustStoreName[]) => {
      asked.push(names);
      return from(names);
    };
    await loadStatementTrust(NAMES, noting(load));
    expect(asked.splice(0)).toEqual([NAMES]);
    await loadStatementTrust(NAMES, noting(without('tsa:time', missing)));
    expect(asked).toEqual([NAMES, ['ca:acme'], ['tsa:time']]);
  });

  it('keeps why a store could not be loaded in its place, and has no hash then', async () => {
    const { stores, hash } = await loadStatementTrust(NAMES, without('tsa:time', missing));
    expect(stores).toMatchObject([
      { name: 'ca:acme', certificates: [{}] },
      { name: 'tsa:time', certificates: missing },
    ]);
    expect(hash).toBeNull();
  });

  it('does not take a fault of ours for a store that is not there', async () => {
    const fault = loadStatementTrust(NAMES, without('tsa:time', new TypeError('a fault')));
    await expect(fault).rejects.toThrow('a fault');
  });
});

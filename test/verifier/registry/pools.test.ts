// Which requests may share connections.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostConnection } from '../../../agent/verifier/registry/hosts/connection.ts';
import { DEFAULT_LIMITS } from '../../../agent/verifier/registry/limits.ts';
import { Pools, type Route } from '../../../agent/verifier/registry/pools.ts';

const URL_OF_REGISTRY = new URL('https://registry.example/v2/');
const PROXY = new URL('http://proxy.example:3128');

function connection(id: string): HostConnection {
  return { id, ca: '', clientCertificates: [], skipVerify: false, dialTimeoutMs: undefined };
}

let pools: Pools;
beforeEach(() => {
  pools = new Pools(DEFAULT_LIMITS, undefined);
});
afterEach(() => pools.close());

describe('connections', () => {
  const base: Route = { url: URL_OF_REGISTRY };

  it.each<[string, Route, Route]>([
    ['to one origin, whatever is asked', base, { url: new URL('https://registry.example/v2/a') }],
    [
      'made alike',
      { ...base, connection: connection('one') },
      { ...base, connection: connection('one') },
    ],
    ['through one proxy', { ...base, proxy: PROXY }, { ...base, proxy: new URL(PROXY) }],
    [
      'to a proxy that is asked for what is in the clear',
      { url: new URL('http://one.example/v2/'), proxy: PROXY },
      { url: new URL('http://two.example/v2/'), proxy: PROXY },
    ],
  ])('are shared by requests %s', (_, one, other) => {
    expect(pools.of(other)).toBe(pools.of(one));
  });

  it.each<[string, Route, Route]>([
    ['of another origin', base, { url: new URL('https://registry.example:8443/v2/') }],
    ['by another client certificate', { ...base, connection: connection('one') }, base],
    [
      'by that of another host',
      { ...base, connection: connection('one') },
      { ...base, connection: connection('two') },
    ],
    ['through a proxy', base, { ...base, proxy: PROXY }],
    [
      'through another proxy',
      { ...base, proxy: PROXY },
      { ...base, proxy: new URL('http://other.example:3128') },
    ],
  ])('are not shared with requests %s', (_, one, other) => {
    expect(pools.of(other)).not.toBe(pools.of(one));
  });

  it('of the origin that was longest not asked are let go where there are too many', () => {
    const few = new Pools({ ...DEFAULT_LIMITS, origins: 2 }, undefined);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ url: new URL(`https://${name}.example/`) }));
    if (a === undefined || b === undefined || c === undefined) throw new TypeError('three routes');
    const [first, second] = [few.of(a), few.of(b)];
    expect(few.of(a)).toBe(first);
    few.of(c);
    expect(few.of(a)).toBe(first);
    expect(few.of(b)).not.toBe(second);
    return few.close();
  });
});

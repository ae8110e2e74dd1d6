// What kubelet gives a container to reach the API server with.
import { describe, expect, it } from 'vitest';
import { parseApiServer, parseToken } from '../../../agent/node/kubernetes/in-cluster.ts';
import { expectCode } from '../../support/expect-code.ts';

function parse(host: string | undefined, port: string | undefined) {
  return parseApiServer({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port });
}

describe('the API server', () => {
  it.each(['10.96.0.1', 'fd00::1', 'cluster.hcp.eastus.azmk8s.io'])('is at %s', (host) => {
    expect(parse(host, '443')).toEqual({ host, port: 443 });
  });

  it.each([
    ['no host, outside a pod', undefined, '443'],
    ['no port', '10.96.0.1', undefined],
    ['a host that is none', '10.96.0.1/path', '443'],
    ['a host with brackets', '[fd00::1]', '443'],
    ['port 0', '10.96.0.1', '0'],
    ['a port beyond the last', '10.96.0.1', '65536'],
    ['a port that is no number', '10.96.0.1', '0x1bb'],
  ])('is not found with %s', (_, host, port) => {
    expectCode(() => parse(host, port), 'kubernetes_failed');
  });
});

describe('the token', () => {
  it('is taken without the end of its line', () => {
    expect(parseToken('header.payload.signature\n', '/token')).toBe('header.payload.signature');
  });

  it.each([
    ['empty', ''],
    ['of two lines', 'secret\nsecret'],
    ['not of ASCII', 'secrét'],
    ['longer than a header', 'secret'.repeat(3000)],
  ])('is refused when it is %s, and not told', (_, text) => {
    const { message } = expectCode(() => parseToken(text, '/token'), 'kubernetes_failed');
    expect(message).toContain('/token');
    expect(message).not.toContain('secr');
  });
});

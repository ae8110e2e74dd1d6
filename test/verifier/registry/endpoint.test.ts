import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../../agent/verifier/registry/endpoint.ts';
import { expectCode } from '../../support/expect-code.ts';

describe('endpointOf', () => {
  it.each([
    ['registry.example', 'https://registry.example/'],
    ['registry.example:5000', 'https://registry.example:5000/'],
    ['docker.io', 'https://registry-1.docker.io/'],
    ['localhost', 'http://localhost/'],
    ['localhost:5000', 'http://localhost:5000/'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000/'],
    ['127.9.9.9', 'http://127.9.9.9/'],
    ['[::1]:5000', 'http://[::1]:5000/'],
    ['localhost.example:5000', 'https://localhost.example:5000/'],
    ['127.0.0.1.example', 'https://127.0.0.1.example/'],
    ['128.0.0.1:5000', 'https://128.0.0.1:5000/'],
  ])('serves %s at %s', (registry, origin) => {
    expect(endpointOf(registry).href).toBe(origin);
  });

  it.each(['registry.example:99999', '300.0.0.1:5000'])('refuses %s', (registry) => {
    expectCode(() => endpointOf(registry), 'reference_invalid');
  });

  it('lets the caller decide, and keeps the default where the caller does not', () => {
    const plainHttp = (registry: string) =>
      new Map([
        ['registry.example:5000', true],
        ['localhost:5000', false],
      ]).get(registry);
    expect(endpointOf('registry.example:5000', plainHttp).protocol).toBe('http:');
    expect(endpointOf('localhost:5000', plainHttp).protocol).toBe('https:');
    expect(endpointOf('other.example', plainHttp).protocol).toBe('https:');
  });
});

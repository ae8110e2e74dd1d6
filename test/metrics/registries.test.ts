import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { declareRegistries, outcomeOf, REGISTRY_OUTCOMES } from '../../agent/metrics/registries.ts';
import {
  MAX_REGISTRIES,
  MAX_UNNAMED_REGISTRIES,
  RegistryLabels,
} from '../../agent/metrics/registry-label.ts';
import { CREDENTIAL_SOURCES } from '../../agent/verifier/registry/credentials/credential.ts';
import { parseExposition } from '../support/exposition.ts';

function open(namesRegistry: (registry: string) => boolean = () => false) {
  const registry = new Registry();
  const metrics = declareRegistries(registry, { namesRegistry });
  const samples = async () => parseExposition(await registry.metrics()).samples;
  return { metrics, samples };
}

describe('the metrics of registries', () => {
  it('count each request by how it ended, and time it', async () => {
    const { metrics, samples } = open();
    for (const status of [401, 200, 200, undefined]) {
      metrics.observeRegistryRequest('registry.example', status, 0.03);
    }
    const found = await samples();
    const requests = found.filter(({ name }) => name === 'nodeseal_registry_requests_total');
    expect(requests.map(({ labels: { outcome }, value }) => [outcome, value])).toEqual(
      REGISTRY_OUTCOMES.map((outcome) => [
        outcome,
        { ok: 2, unauthorized: 1, no_answer: 1 }[outcome as string] ?? 0,
      ]),
    );
    const duration = 'nodeseal_registry_request_duration_seconds';
    const bucket = (le: string) =>
      found.find(({ name, labels }) => name === `${duration}_bucket` && labels['le'] === le);
    expect(bucket('0.025')?.value).toBe(0);
    expect(bucket('0.05')?.value).toBe(4);
    expect(found.find(({ name }) => name === `${duration}_count`)?.labels).toEqual({
      registry: 'registry.example',
    });
  });

  it('count what is known without asking', async () => {
    const { metrics, samples } = open();
    for (const isKnown of [true, true, false]) {
      metrics.countSignatureLookup('registry.example', isKnown);
    }
    const lookups = (await samples()).filter(({ name }) => name.includes('lookups'));
    expect(lookups.map(({ labels, value }) => [labels['result'], value])).toEqual([
      ['hit', 2],
      ['miss', 1],
    ]);
  });

  it('tell of hosts that are not safe or not usable', async () => {
    const { metrics, samples } = open();
    metrics.setRegistryHosts({ unverified: 2, invalid: 1 });
    expect(
      (await samples())
        .filter(({ name }) => name === 'nodeseal_registry_hosts')
        .map(({ labels, value }) => [labels['state'], value]),
    ).toEqual([
      ['unverified', 2],
      ['invalid', 1],
    ]);
  });

  it('count by what credential a registry let us in', async () => {
    const { metrics, samples } = open();
    for (const source of ['pull_secret', 'none', 'none'] as const) {
      metrics.countCredential('registry.example', source);
    }
    const found = (await samples()).filter(({ name }) => name.includes('credentials'));
    expect(found.map(({ name, labels, value }) => [name, labels['source'], value])).toEqual(
      CREDENTIAL_SOURCES.map((source) => [
        'nodeseal_registry_credentials_total',
        source,
        { pull_secret: 1, none: 2 }[source as string] ?? 0,
      ]),
    );
  });

  it.each([
    [200, 'ok'],
    [206, 'ok'],
    [307, 'redirected'],
    [400, 'refused'],
    [401, 'unauthorized'],
    [403, 'denied'],
    [404, 'not_found'],
    [429, 'throttled'],
    [500, 'failed'],
    [503, 'failed'],
    [undefined, 'no_answer'],
  ] as const)('call %s %s', (status, outcome) => {
    expect(outcomeOf(status)).toBe(outcome);
  });
});

describe('the label of a registry', () => {
  const hosts = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}-${index}.example`);

  it('leaves room for what the policy names, however many others pods name', () => {
    const labels = new RegistryLabels((registry) => registry.startsWith('named'));
    const given = hosts('hostile', 100).map((host) => labels.of(host));
    expect(new Set(given).size).toBe(MAX_UNNAMED_REGISTRIES + 1);
    expect(given.at(-1)).toBe('other');
    expect(labels.of('hostile-0.example')).toBe('hostile-0.example');
    for (const host of hosts('named', MAX_REGISTRIES - MAX_UNNAMED_REGISTRIES)) {
      expect(labels.of(host)).toBe(host);
    }
    expect(labels.of('named-one-more.example')).toBe('other');
  });

  it('is one for all ports of this node, unless the policy names one', () => {
    const labels = new RegistryLabels((registry) => registry === '127.0.0.1:5000');
    for (const host of ['127.0.0.1:40001', '127.1.2.3', 'localhost:5000', '[::1]:1']) {
      expect(labels.of(host)).toBe('loopback');
    }
    expect(labels.of('127.0.0.1:5000')).toBe('127.0.0.1:5000');
    expect(labels.of('127.0.0.1.example')).toBe('127.0.0.1.example');
  });
});

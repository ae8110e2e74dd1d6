// Settings: read once, all faults together.
import { describe, expect, it } from 'vitest';
import { parseConfig, SETTINGS } from '../agent/config.ts';
import { expectCode } from './support/expect-code.ts';

describe('parseConfig', () => {
  it('takes every default when nothing is set', () => {
    expect(parseConfig({ PATH: '/bin' })).toMatchObject({
      hostRoot: '/',
      listen: { host: '0.0.0.0', port: 9464 },
      reverifyInterval: 86_400_000,
      registryPlainHttp: [],
      policySource: undefined,
    });
  });

  it('treats an empty variable as unset', () => {
    expect(parseConfig({ NODESEAL_LISTEN: '' }).listen.port).toBe(9464);
  });

  it.each([
    ['NODESEAL_HOST_ROOT', '/host', 'host'],
    ['NODESEAL_CONTAINERD_UNIT', 'k3s.service', 'k3s'],
    ['NODESEAL_LISTEN', '[::1]:0', 'localhost:80'],
    ['NODESEAL_LISTEN', '127.0.0.1:65535', '127.0.0.1:65536'],
    ['NODESEAL_REGISTRY_PLAIN_HTTP', 'reg.local:5000, other', 'http://reg.local'],
    ['NODESEAL_REVERIFY_INTERVAL', '90m', '90'],
    ['NODESEAL_REVERIFY_SPREAD', '10m', '0m'],
    ['NODESEAL_REVERIFY_SPREAD', '0s', '00s'],
    ['NODESEAL_REVERIFY_INTERVAL', '1s', '0s'],
    ['NODESEAL_REVERIFY_RATE', '10000', '10001'],
    ['NODESEAL_REVERIFY_RATE', '1', '0.5'],
    ['NODESEAL_RETENTION', '720h', '30d'],
    ['NODESEAL_CONTAINERD_LOG', '/var/log/containerd.log', 'containerd.log'],
    ['NODESEAL_JOURNAL_UPLOAD_LISTEN', '127.0.0.1:19532', '19532'],
    ['NODESEAL_LEDGER_MAX_SIZE', '64Mi', '64MB'],
    ['NODESEAL_LEDGER_MAX_SIZE', '1Gi', '0Gi'],
    ['NODESEAL_NODE_NAME', 'ip-10-0-0-1.eu.internal', 'Node/1'],
    ['NODESEAL_LOG_LEVEL', 'debug', 'verbose'],
  ])('accepts %s=%s and refuses %s', (variable, good, bad) => {
    expect(() => parseConfig({ [variable]: good })).not.toThrow();
    const error = expectCode(() => parseConfig({ [variable]: bad }), 'setting_invalid');
    expect(error.message).toContain(variable);
    expect(error.message).toContain(JSON.stringify(bad));
  });

  it('reports all faults together, unknown variables of ours among them', () => {
    const error = expectCode(
      () => parseConfig({ NODESEAL_LISTEN: 'x', NODESEAL_LOGLEVEL: 'debug' }),
      'setting_invalid',
    );
    expect(error.faults).toHaveLength(2);
    expect(error.faults[1]).toBe('NODESEAL_LOGLEVEL: no such setting');
  });

  it('does not take a Kubernetes service link for a misspelt setting', () => {
    expect(() =>
      parseConfig({
        NODESEAL_SERVICE_HOST: '10.0.0.1',
        NODESEAL_PORT: 'tcp://10.0.0.1:9464',
        NODESEAL_PORT_9464_TCP_ADDR: '10.0.0.1',
      }),
    ).not.toThrow();
  });

  it('gives every setting a variable of its own', () => {
    const variables = Object.values(SETTINGS).map((setting) => setting.variable);
    expect(new Set(variables).size).toBe(variables.length);
  });
});

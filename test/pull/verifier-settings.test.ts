import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultVerifierSettings,
  encodeVerifierSettings,
  parseVerifierSettings,
  type VerifierSettings,
} from '../../agent/pull/verifier-settings.ts';
import { expectCode } from '../support/expect-code.ts';
import { valueOrAgentError } from '../support/only-agent-errors.ts';

const SETTINGS: VerifierSettings = {
  agentSocket: '/run/other/agent.sock',
  policyFile: '/etc/other/policy.json',
  truststoreDir: '/etc/other/truststore',
  plainHttp: ['registry.example:5000'],
  registryCa: '-----BEGIN CERTIFICATE-----\n',
  registryHosts: ['/etc/other/certs.d', '/srv/certs.d'],
  pluginDir: '/opt/other/plugins',
  crlCacheDir: '/var/lib/other/crl',
  bundleDir: '/srv/bundle',
  kubeletDir: '/var/lib/other/kubelet',
  credentialProviderConfig: '/etc/other/providers.yaml',
  credentialProviderBinDir: '/opt/other/bin',
  mode: 'audit',
};

describe('the settings of the pull verifier', () => {
  it('are read back as they were written', () => {
    const text = JSON.stringify(encodeVerifierSettings(SETTINGS), null, 2);
    expect(parseVerifierSettings(text)).toEqual(SETTINGS);
  });

  it('are the paths of the host where there is no file, or an empty object in it', () => {
    expect(parseVerifierSettings(null)).toEqual({
      agentSocket: '/run/nodeseal/agent.sock',
      policyFile: '/etc/containerd/notation-policy.json',
      truststoreDir: '/etc/containerd/notation/truststore',
      plainHttp: [],
      registryCa: null,
      registryHosts: ['/etc/containerd/certs.d'],
      pluginDir: '/opt/nodeseal/plugins',
      crlCacheDir: '/var/lib/nodeseal/crl',
      bundleDir: null,
      kubeletDir: '/var/lib/kubelet',
      credentialProviderConfig: null,
      credentialProviderBinDir: null,
      mode: 'enforce',
    });
    expect(parseVerifierSettings('{}')).toEqual(defaultVerifierSettings());
  });

  it('may have members of a later version', () => {
    const text = JSON.stringify({ ...SETTINGS, later: true });
    expect(parseVerifierSettings(text)).toEqual(SETTINGS);
  });

  it.each([
    ['nothing', ''],
    ['half an object', '{"policyFile":'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a relative path', '{"policyFile":"policy.json"}'],
    ['a path with a zero byte', String.raw`{"agentSocket":"/run/a\u0000b"}`],
    ['a path that is a number', '{"truststoreDir":1}'],
    ['a relative path of plugins', '{"pluginDir":"plugins"}'],
    ['a relative path of kubelet', '{"kubeletDir":"kubelet"}'],
    ['a relative path of providers', '{"credentialProviderBinDir":"bin"}'],
    ['a relative path of CRLs', '{"crlCacheDir":"./crl"}'],
    ['a relative path of a bundle', '{"bundleDir":"bundle"}'],
    ['a path that is null', '{"policyFile":null}'],
    ['registries as a string', '{"plainHttp":"registry.example"}'],
    ['a registry that is a number', '{"plainHttp":[5000]}'],
    ['certificates as an array', '{"registryCa":[]}'],
    ['another mode', '{"mode":"Audit"}'],
    ['no mode but null', '{"mode":null}'],
    ['no mode but true', '{"mode":true}'],
  ])('are refused when the file holds %s', (_, text) => {
    expectCode(() => parseVerifierSettings(text), 'setting_invalid');
  });

  it('are returned or refused by an error of ours, whatever the file holds', () => {
    const keys = fc.constantFrom(...Object.keys(SETTINGS), '__proto__');
    const text = fc.oneof(
      fc.string(),
      fc.dictionary(keys, fc.jsonValue()).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (given) => {
        valueOrAgentError(() => parseVerifierSettings(given));
      }),
    );
  });
});

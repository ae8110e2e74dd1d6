import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertProviders,
  parseProviderConfig,
} from '../../../../agent/verifier/registry/credentials/provider-config.ts';
import {
  encodeProviderRequest,
  MAX_PROVIDER_RESPONSE_BYTES,
  parseProviderResponse,
} from '../../../../agent/verifier/registry/credentials/provider-response.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';

const PROVIDER = {
  name: 'ecr-credential-provider',
  matchImages: ['*.dkr.ecr.*.amazonaws.com'],
  defaultCacheDuration: '12h',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
};
const CONFIG = {
  apiVersion: 'kubelet.config.k8s.io/v1',
  kind: 'CredentialProviderConfig',
  providers: [PROVIDER],
};
const parse = (config: unknown) => {
  const providers = parseProviderConfig(config, 'providers.yaml');
  assertProviders(providers, 'providers.yaml');
  return providers;
};
const withProvider = (changes: object) =>
  parse({ ...CONFIG, providers: [{ ...PROVIDER, ...changes }] });

describe('the configuration of credential providers', () => {
  it.each(['v1', 'v1beta1', 'v1alpha1'])('may be %s, and so may what is spoken', (version) => {
    const apiVersion = `credentialprovider.kubelet.k8s.io/${version}`;
    const providers = [{ ...PROVIDER, apiVersion }];
    const config = { ...CONFIG, apiVersion: `kubelet.config.k8s.io/${version}`, providers };
    expect(parse(config)).toMatchObject([{ apiVersion, defaultCacheMs: 43_200_000, args: [] }]);
  });

  it('has arguments and variables', () => {
    const changes = { args: ['get-credentials'], env: [{ name: 'AWS_PROFILE', value: 'x' }] };
    const [provider] = withProvider(changes);
    expect(provider).toMatchObject({ args: ['get-credentials'], env: { AWS_PROFILE: 'x' } });
  });

  const TOKENS = {
    ...{ serviceAccountTokenAudience: 'registry', cacheType: 'ServiceAccount' },
    requireServiceAccount: true,
    requiredServiceAccountAnnotationKeys: ['registry.example/client-id'],
    optionalServiceAccountAnnotationKeys: ['Tenant'],
  };
  const withTokens = (changes: object) =>
    withProvider({ tokenAttributes: { ...TOKENS, ...changes } })[0]?.tokenAttributes;

  it('tells who wants a token of a service account, and for what', () => {
    expect(withTokens({})).toEqual({
      ...{ audience: 'registry', cacheType: 'ServiceAccount', requiresAccount: true },
      requiredAnnotations: ['registry.example/client-id'],
      optionalAnnotations: ['Tenant'],
    });
    expect(withProvider({})[0]?.tokenAttributes).toBeUndefined();
    // As of Kubernetes 1.33.
    expect(withTokens({ cacheType: undefined })?.cacheType).toBe('Token');
  });

  it.each([
    [{ serviceAccountTokenAudience: '' }],
    [{ serviceAccountTokenAudience: undefined }],
    [{ requireServiceAccount: undefined }],
    [{ requireServiceAccount: false }],
    [{ cacheType: 'Pod' }],
    [{ requiredServiceAccountAnnotationKeys: ['a b'] }],
    [{ requiredServiceAccountAnnotationKeys: ['a', 'a'] }],
    [{ requiredServiceAccountAnnotationKeys: ['Tenant'] }],
    [{ optionalServiceAccountAnnotationKeys: 'Tenant' }],
  ])('wants no token with %j', (changes) => {
    expectCode(() => withTokens(changes), 'credentials_invalid');
  });

  it('wants a token only in the version that has a place for it', () => {
    const apiVersion = 'credentialprovider.kubelet.k8s.io/v1beta1';
    expect(withProvider({ apiVersion })).toHaveLength(1);
    expectCode(() => withProvider({ apiVersion, tokenAttributes: TOKENS }), 'credentials_invalid');
  });

  it.each([
    [{ ...CONFIG, apiVersion: 'kubelet.config.k8s.io/v2' }],
    [{ ...CONFIG, kind: 'KubeletConfiguration' }],
    [{ ...CONFIG, providers: [] }],
    [{ ...CONFIG, providers: 'all' }],
    [{ ...CONFIG, providers: [PROVIDER, PROVIDER] }],
    [null],
    [[]],
  ])('is not %j', (config) => {
    expectCode(() => parse(config), 'credentials_invalid');
  });

  it.each([
    [{ name: '../sh' }],
    [{ name: '' }],
    [{ name: '..' }],
    [{ name: 'a b' }],
    [{ apiVersion: 'v1' }],
    [{ matchImages: [] }],
    [{ matchImages: ['a b'] }],
    [{ matchImages: [7] }],
    [{ defaultCacheDuration: undefined }],
    [{ defaultCacheDuration: '-1h' }],
    [{ defaultCacheDuration: '12' }],
    [{ args: 'get' }],
    [{ args: ['a\0b'] }],
    [{ env: [{ value: 'x' }] }],
  ])('has no provider with %j', (changes) => {
    expect(withProvider({})).toHaveLength(1);
    expectCode(() => withProvider(changes), 'credentials_invalid');
  });

  it('is a value or our own error, and quotes no variable', () => {
    fc.assert(fc.property(fc.anything(), (value) => void valueOrAgentError(() => parse(value))));
    const env = [{ name: 'TOKEN', value: 'a secret\0' }];
    const error = expectCode(() => withProvider({ env }), 'credentials_invalid');
    expect(error.message).not.toContain('secret');
  });
});

describe('the response of a credential provider', () => {
  const [provider] = withProvider({});
  if (provider === undefined) throw new TypeError('a provider');
  const RESPONSE = {
    apiVersion: PROVIDER.apiVersion,
    kind: 'CredentialProviderResponse',
    cacheKeyType: 'Registry',
    cacheDuration: '6h0m0s',
    auth: { '*.dkr.ecr.*.amazonaws.com': { username: 'AWS', password: 'token' } },
  };
  const respond = (changes: object) => {
    const bytes = Buffer.from(JSON.stringify({ ...RESPONSE, ...changes }));
    return parseProviderResponse(bytes, provider, 'provider');
  };

  it('is asked for in the version of the configuration, with the image alone', () => {
    expect(JSON.parse(encodeProviderRequest(provider, 'a.example/app'))).toEqual({
      apiVersion: PROVIDER.apiVersion,
      kind: 'CredentialProviderRequest',
      image: 'a.example/app',
    });
  });

  it('says what for how long', () => {
    const secret = { kind: 'basic', username: 'AWS', password: 'token' };
    expect(respond({})).toEqual({
      cacheKeyType: 'Registry',
      cacheMs: 21_600_000,
      secrets: [['*.dkr.ecr.*.amazonaws.com', secret]],
    });
    expect(respond({ cacheDuration: undefined }).cacheMs).toBeUndefined();
    expect(respond({ cacheDuration: '-1s' }).cacheMs).toBe(0);
    expect(respond({ auth: null }).secrets).toEqual([]);
  });

  it.each([
    [{ apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1' }],
    [{ kind: 'CredentialProviderRequest' }],
    [{ cacheKeyType: 'image' }],
    [{ cacheKeyType: undefined }],
    [{ cacheDuration: 'soon' }],
    [{ auth: [] }],
    [{ auth: { a: 'token' } }],
    [{ auth: { a: { username: 7, password: 'x' } } }],
  ])('is not one with %j', (changes) => {
    expectCode(() => respond(changes), 'credential_program_failed');
  });

  it('has a bound', () => {
    const bytes = Buffer.alloc(MAX_PROVIDER_RESPONSE_BYTES + 1, ' ');
    expectCode(() => parseProviderResponse(bytes, provider, 'p'), 'credential_program_failed');
  });

  it('is a value or our own error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          valueOrAgentError(() => parseProviderResponse(bytes, provider, 'p'));
        },
      ),
    );
  });
});

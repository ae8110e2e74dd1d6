// What holds credentials: Docker's configuration, kubelet's, what its plugins answer, and what the
// API server says of pull secrets.
import {
  parsePullingPodPage,
  parsePullSecret,
  parseServiceAccount,
} from '../../../agent/node/kubernetes/pull-secret.ts';
import { parseKubeletFlags } from '../../../agent/node/kubernetes/kubelet.ts';
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { parseDockerConfig } from '../../../agent/verifier/registry/credentials/docker-config.ts';
import {
  matchesImage,
  parseImagePattern,
} from '../../../agent/verifier/registry/credentials/image-match.ts';
import { parseProviderConfig } from '../../../agent/verifier/registry/credentials/provider-config.ts';
import { parseProviderResponse } from '../../../agent/verifier/registry/credentials/provider-response.ts';
import type { Reader } from '../fuzz.ts';
import { json, ofText, texts } from '../text.ts';

const API = 'credentialprovider.kubelet.k8s.io/v1';
const PROVIDER = {
  name: 'provider',
  apiVersion: API,
  matchImages: ['*.example:5000/a', 'a[0-9].example'],
  defaultCacheDuration: '1h30m',
  args: ['get'],
  env: [{ name: 'A', value: 'b' }],
};
const CONFIG = {
  apiVersion: 'kubelet.config.k8s.io/v1',
  kind: 'CredentialProviderConfig',
  providers: [PROVIDER],
};
const ENTRY = { auth: 'dXNlcjpwYXNz', identitytoken: '', registrytoken: '' };
const CREDENTIALS = { auths: { 'https://a.example/v1/': ENTRY }, credHelpers: { b: 'c' } };
const POD = {
  metadata: { namespace: 'a' },
  spec: {
    serviceAccountName: 'b',
    containers: [{ image: 'a.example/b' }],
    imagePullSecrets: [{ name: 'c' }],
  },
};
const ok = (body: Uint8Array) => ({ status: 200, body });
const parsed = (bytes: Uint8Array) =>
  parseStrictJson(bytes, { what: 'config', code: 'credentials_invalid', maxBytes: 1 << 20 });

export const CREDENTIAL_READERS: readonly Reader[] = [
  {
    name: 'Docker configuration',
    seeds: () =>
      json(CREDENTIALS, { auths: { a: { username: 'u', password: 'p' } }, credsStore: 'x' }),
    read: (bytes) => {
      const { keyring } = parseDockerConfig(bytes, 'config', 'config', () => undefined);
      return keyring.lookup('a.example/b');
    },
  },
  {
    name: 'pattern of images',
    seeds: () => texts('*.dkr.ecr.*.example:5000/team', 'a[0-9]*.example', '[::1]:5000/x?y#z'),
    read: ofText((text) => {
      const pattern = parseImagePattern(text);
      return pattern === undefined ? undefined : matchesImage(pattern, pattern);
    }),
  },
  {
    name: 'configuration of credential providers',
    seeds: () => json(CONFIG),
    read: (bytes) => parseProviderConfig(parsed(bytes), 'config'),
  },
  {
    name: 'response of a credential provider',
    seeds: () =>
      json({
        ...{ apiVersion: API, kind: 'CredentialProviderResponse', cacheKeyType: 'Registry' },
        ...{ cacheDuration: '6h', auth: { '*.example': { username: 'u', password: 'p' } } },
      }),
    read: (bytes) => {
      const [provider] = parseProviderConfig(CONFIG, 'config');
      if (provider === undefined) throw new TypeError('expected a provider');
      return parseProviderResponse(bytes, provider, 'response');
    },
  },
  {
    name: 'pods and their pull secrets',
    seeds: () => json({ items: [POD], metadata: { continue: 'x' } }),
    read: (bytes) => parsePullingPodPage(ok(bytes)),
  },
  {
    name: 'pull secret',
    seeds: () =>
      json({ kind: 'Secret', type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'e30=' } }),
    read: (bytes) => parsePullSecret(ok(bytes), 'secret'),
  },
  {
    name: 'service account',
    seeds: () => json({ kind: 'ServiceAccount', imagePullSecrets: [{ name: 'a' }] }),
    read: (bytes) => parseServiceAccount(ok(bytes), 'account'),
  },
  {
    name: 'command line of kubelet',
    seeds: () =>
      texts(
        '/usr/bin/kubelet\0--image-credential-provider-config=/a\0--image-credential-provider-bin-dir\0/b\0',
      ),
    read: ofText((text) => parseKubeletFlags(text.split('\0'))),
  },
];

// Real registries behind TLS, client certificates and a token service, reached as a node's certs.d says.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { createHostReader } from '../../agent/node/host/host-reader.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { createHostVerifier } from '../../agent/verifier/host-verifier.ts';
import type { Credential } from '../../agent/verifier/registry/credentials/credential.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import {
  type GuardedRegistry,
  type Guards,
  startGuardedRegistry,
} from '../support/guarded-registry.ts';
import { startNginx } from '../support/nginx.ts';
import { pushImage, startRegistry } from '../support/node-images.ts';
import { createSigningKey, sign, type SigningKey } from '../support/node-signatures.ts';
import { mintClientCertificate } from '../support/registry/client-certificate.ts';
import { mintServerCertificate } from '../support/registry/tls.ts';
import { documentOf, statement } from '../support/trust-policy.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import { startTokenService } from '../support/token-service.ts';

const CERTS_D = '/etc/containerd/certs.d';

describeOnNode('a registry behind its guards', () => {
  const server = mintServerCertificate('Registries');
  const login = { username: 'puller', password: randomBytes(16).toString('hex') };
  let node: TestNode;
  let key: SigningKey;
  let trust: string;

  beforeAll(async () => {
    node = await bootTestNode();
    try {
      key = await createSigningKey(node, 'acme');
      const everywhere = statement({ registryScopes: ['*'], trustedIdentities: [key.subject] });
      trust = await mkdtemp(join(tmpdir(), 'nodeseal-registries-'));
      await mkdir(join(trust, 'x509/ca/acme'), { recursive: true });
      await writeFile(join(trust, 'x509/ca/acme/ca.crt'), key.caPem);
      await writeFile(join(trust, 'policy.json'), documentOf([everywhere]));
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      await node.stop();
      await rm(trust, { recursive: true });
    };
  });

  /** A signed and an unsigned image behind guards, and what judges them. */
  async function open(name: string, guards: Guards) {
    const registry = await startGuardedRegistry(node, name, guards);
    const [signed, unsigned] = [
      await pushImage(registry.filling, 'team/signed'),
      await pushImage(registry.filling, 'team/unsigned'),
    ];
    await sign(registry.filling, signed.pinned, { key, format: 'jws' });
    const named = (image: { readonly pinned: string }) =>
      image.pinned.replace(registry.filling.host, registry.host);
    return { registry, signed: named(signed), unsigned: named(unsigned) };
  }

  async function certsD(
    { host }: Pick<GuardedRegistry, 'host'>,
    files: Readonly<Record<string, string>>,
  ): Promise<void> {
    const folder = `${CERTS_D}/${host.replace(/:(\d+)$/, '_$1_')}`;
    for (const [name, text] of Object.entries(files))
      await node.writeFile(`${folder}/${name}`, text);
  }

  /** The verdict, and what it took. */
  async function judge(image: string, credentials: readonly Credential[] = []) {
    const requests: string[] = [];
    const verifier = createHostVerifier({
      policyFile: join(trust, 'policy.json'),
      truststoreDir: trust,
      pluginDir: '/absent',
      registry: {
        createTransport: createPooledTransport,
        plainHttp: [],
        hosts: { files: createHostReader(node.root), roots: () => [CERTS_D] },
        credentials: () => Promise.resolve(credentials),
        onRequest: ({ operation, status }) => requests.push(`${operation} ${status ?? 'none'}`),
      },
    });
    try {
      const verdict = await verifier.verify({ name: image }, AbortSignal.timeout(10_000));
      return { outcome: outcomeOf(verdict), requests };
    } finally {
      await verifier.close();
    }
  }

  it('with TLS by a private CA is trusted by its hosts.toml alone', async () => {
    const { registry, signed, unsigned } = await open('tls', { tls: server });
    expect((await judge(signed)).outcome).not.toMatch(/^allow/);
    const toml = `server = "https://${registry.host}"\nca = "ca.pem"\n`;
    await certsD(registry, { 'hosts.toml': toml, 'ca.pem': server.ca });
    expect((await judge(signed)).outcome).toBe('allow verified');
    expect((await judge(unsigned)).outcome).toBe('deny signature_missing');
    registry.stop();
  });

  it('with mutual TLS is shown the certificate of its hosts.toml', async () => {
    const client = mintClientCertificate('Nodes');
    const { registry, signed } = await open('mutual', { tls: server, clientCa: client.ca });
    const files = { 'hosts.toml': 'ca = "ca.pem"\n', 'ca.pem': server.ca };
    await certsD(registry, files);
    expect((await judge(signed)).outcome).toBe('deny registry_unreachable, inconclusive');
    await certsD(registry, {
      'hosts.toml': 'ca = "ca.pem"\nclient = [["client.pem", "client.key"]]\n',
      ...{ 'client.pem': client.certificate, 'client.key': client.key },
    });
    expect((await judge(signed)).outcome).toBe('allow verified');
    registry.stop();
  });

  it('behind an nginx that asks for a certificate gives it to who has it in hosts.toml', async () => {
    const [client, stranger] = [mintClientCertificate('Nodes'), mintClientCertificate('Strangers')];
    const filling = await startRegistry(node, 'docker-registry');
    const upstream = filling.host;
    const nginx = await startNginx(node, { upstream, server, clientCa: client.ca });
    const [signed, unsigned] = [
      await pushImage(filling, 'team/signed'),
      await pushImage(filling, 'team/unsigned'),
    ];
    await sign(filling, signed.pinned, { key, format: 'cose' });
    const behind = ({ pinned }: { readonly pinned: string }) =>
      pinned.replace(upstream, nginx.host);
    const pull = async () => {
      const pulled = ['ctr', '-n', 'k8s.io', 'images', 'pull', '--hosts-dir', CERTS_D];
      return (await node.exec([...pulled, behind(signed)])).code === 0;
    };
    // nginx lets everybody shake hands, and then answers 400.
    const ca = { 'hosts.toml': 'ca = "ca.pem"\n', 'ca.pem': server.ca };
    await certsD(nginx, ca);
    expect((await judge(behind(signed))).outcome).toBe('deny registry_failed, inconclusive');
    expect(await pull()).toBe(false);
    const shown = (shows: typeof client) => ({
      ...ca,
      'hosts.toml': 'ca = "ca.pem"\nclient = [["client.pem", "client.key"]]\n',
      ...{ 'client.pem': shows.certificate, 'client.key': shows.key },
    });
    await certsD(nginx, shown(stranger));
    expect((await judge(behind(signed))).outcome).toBe('deny registry_failed, inconclusive');
    expect(await pull()).toBe(false);
    await certsD(nginx, shown(client));
    expect((await judge(behind(signed))).outcome).toBe('allow verified');
    expect((await judge(behind(unsigned))).outcome).toBe('deny signature_missing');
    // By the same file.
    expect(await pull()).toBe(true);
    nginx.stop();
    filling.stop();
  });

  it('with a token service is asked with one token for all of an image', async () => {
    const names = { service: 'registry.example', issuer: 'issuer.example' };
    const tokens = await startTokenService({ ...names, tls: server, login });
    const { rootCertificate, url: realm } = tokens;
    const token = { ...names, realm, rootCertificate };
    const { registry, signed, unsigned } = await open('token', { tls: server, token });
    await certsD(registry, { 'hosts.toml': 'ca = "ca.pem"\n', 'ca.pem': server.ca });
    const wrong = { kind: 'basic', source: 'docker_config', ...login, password: 'wrong' } as const;
    const right = { ...wrong, password: login.password };
    expect((await judge(signed)).outcome).toBe('deny registry_denied, inconclusive');
    expect((await judge(signed, [wrong])).outcome).toBe('deny registry_denied, inconclusive');
    expect(tokens.tokens).toEqual([]);
    const { outcome, requests } = await judge(signed, [right]);
    expect(outcome).toBe('allow verified');
    expect(tokens.tokens).toEqual(['GET repository:team/signed:pull']);
    expect(requests.filter((one) => one.startsWith('token'))).toHaveLength(1);
    expect((await judge(signed, [wrong, right])).outcome).toBe('allow verified');
    expect((await judge(unsigned, [right])).outcome).toBe('deny signature_missing');
    await tokens.close();
    registry.stop();
  });
});

function outcomeOf({ decision, reason, inconclusive }: Verdict): string {
  return `${decision} ${reason}${inconclusive ? ', inconclusive' : ''}`;
}

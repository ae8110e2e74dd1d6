// The compiled pull verifier alone, where registries are reached as containerd's certs.d and environment say.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CompiledVerifier } from '../support/compiled-verifier.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { mintClientCertificate, startMutualTls } from '../support/registry/client-certificate.ts';
import { mintServerCertificate } from '../support/registry/tls.ts';

let verifier: CompiledVerifier;
beforeAll(async () => {
  verifier = await CompiledVerifier.build();
}, 60_000);
afterAll(() => verifier.remove());

beforeEach(async () => {
  verifier.environment = {};
  await rm(verifier.at('certs.d'), { recursive: true, force: true });
  await verifier.writeSettings({ registryHosts: [verifier.at('absent'), verifier.at('certs.d')] });
});

async function writeHosts(host: string, files: Readonly<Record<string, string>>): Promise<void> {
  const folder = `certs.d/${host.replace(/:(\d+)$/, '_$1_')}`;
  await mkdir(verifier.at(folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(verifier.at(`${folder}/${name}`), text);
  }
}

const decisionOf = ({ code, stdout }: { code: number | null; stdout: string }) =>
  `${code ?? 'killed'} ${stdout.split(':').slice(0, 2).join(':')}`;

describe('without an agent', () => {
  it('a registry is reached with the CA and the certificate of its hosts.toml', async () => {
    const { host, signed, unsigned } = await verifier.openRegistry();
    const server = mintServerCertificate('Ours');
    const client = mintClientCertificate('Nodes');
    const front = await startMutualTls(host, server, client.ca);
    onTestFinished(() => front.close());
    const files = { 'ca.pem': server.ca, 'client.pem': client.certificate + client.key };
    const toml = `server = "https://${front.host}"\nca = "ca.pem"\n`;
    await writeHosts(host, { ...files, 'hosts.toml': toml });
    expect(decisionOf(await verifier.pull(signed))).toBe('1 deny: registry_unreachable');
    await writeHosts(host, { 'hosts.toml': `${toml}client = "client.pem"\n` });
    expect(decisionOf(await verifier.pull(signed))).toBe('0 allow: verified');
    expect(decisionOf(await verifier.pull(unsigned))).toBe('1 deny: signature_missing');
  });

  it('a mirror without the signature does not hide it, and one that is gone costs no pull', async () => {
    const { host, signed } = await verifier.openRegistry();
    await writeHosts(host, {
      'hosts.toml': '[host."http://127.0.0.1:1"]\n[host."http://127.0.0.1:2"]\n',
    });
    expect(decisionOf(await verifier.pull(signed))).toBe('0 allow: verified');
  });

  it('a hosts.toml that cannot be used is the reason', async () => {
    const { host, signed } = await verifier.openRegistry();
    await writeHosts(host, { 'hosts.toml': 'ca = "absent.pem"' });
    expect(decisionOf(await verifier.pull(signed))).toBe('1 deny: registry_hosts_invalid');
  });

  it('a proxy is gone through, but for what is excepted and for this machine', async () => {
    const { host, signed } = await verifier.openRegistry();
    const proxy = await startForwardProxy({ upstream: host });
    onTestFinished(() => proxy.close());
    verifier.environment = { HTTP_PROXY: proxy.url.href };
    expect(decisionOf(await verifier.pull(signed))).toBe('0 allow: verified');
    expect(proxy.requests).toEqual([]);
    await writeHosts(host, { 'hosts.toml': 'server = "http://registry.invalid:5000"' });
    expect(decisionOf(await verifier.pull(signed))).toBe('0 allow: verified');
    expect(proxy.requests).not.toEqual([]);
    verifier.environment = { HTTP_PROXY: proxy.url.href, NO_PROXY: 'registry.invalid' };
    expect(decisionOf(await verifier.pull(signed))).toBe('1 deny: registry_unreachable');
  });
});

// The webhook in a closed network: hosts.toml files that are mounted, and proxies for registries and for revocation.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { POD, reviewOf, workload } from '../../support/admission.ts';
import { parseExposition } from '../../support/exposition.ts';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import { temporaryDirectory } from '../../support/front-door.ts';
import { mintOcspResponse } from '../../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../../support/ocsp-server.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';
import { MEDIA_TYPES, signEnvelope } from '../../support/sign-envelope.ts';
import {
  askWebhook,
  CertificateFiles,
  type RunningWebhook,
  startWebhook,
  TrustedRegistry,
} from '../../support/webhook.ts';

/** A name that nobody but a proxy knows. */
const NAME = 'registry.corp.example';
const HOSTS_TOML = 'ca = "ca.pem"\n';
const server = mintServerCertificate('Corp', NAME);

/** As a Secret is mounted: every file leads to the directory of today. */
function mountHosts(files: Readonly<Record<string, string>>, host = NAME): string {
  const certsD = temporaryDirectory();
  const folder = join(certsD, host);
  mkdirSync(join(folder, '..today'), { recursive: true });
  symlinkSync('..today', join(folder, '..data'));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, '..today', name), text);
    symlinkSync(`..data/${name}`, join(folder, name));
  }
  return certsD;
}

async function openWorld() {
  const trusted = await TrustedRegistry.open({ tls: server });
  trusted.writePolicy({ registryScopes: [`${NAME}/app`] });
  const evidence = await openEvidenceServer();
  const signer = trusted.ca.issue({ ocspUrl: 'http://ocsp.corp.example/ocsp' });
  evidence.routes.set('/ocsp', serveBytes(mintOcspResponse(signer, trusted.ca.issuer)));
  const target = trusted.registry.pushImage('app', 'good', 'good');
  const envelope = signEnvelope({ format: 'jws', signer, target });
  trusted.registry.attachSignature('app', target, envelope, MEDIA_TYPES.jws);
  const [ofRegistries, ofEvidence] = [
    await startForwardProxy({ upstream: trusted.registry.host }),
    await startForwardProxy({ upstream: `127.0.0.1:${evidence.port}` }),
  ];
  onTestFinished(() =>
    Promise.all([ofRegistries.close(), ofEvidence.close()]).then(() => undefined),
  );
  const files = new CertificateFiles();
  const start = (settings: Readonly<Record<string, string>>) =>
    startWebhook({
      ...{ ...trusted.settings, ...files.settings, NODESEAL_MODE: 'enforce' },
      ...{ HTTPS_PROXY: ofRegistries.url.href, HTTP_PROXY: ofEvidence.url.href },
      ...settings,
    });
  const ask = (running: RunningWebhook) => {
    const review = reviewOf(POD, workload(POD, 'app', `${NAME}/app:good`));
    return askWebhook(running, review, { ca: files.current.certificate });
  };
  return { start, ask, ofRegistries, ofEvidence };
}

async function hostsOf({ healthUrl }: RunningWebhook, state: string) {
  const page = await (await fetch(`${healthUrl}/metrics`)).text();
  const { samples } = parseExposition(page);
  const isIt = ({ name, labels }: (typeof samples)[number]) =>
    name === 'nodeseal_registry_hosts' && labels['state'] === state;
  return samples.find(isIt)?.value;
}

describe('the webhook in a closed network', () => {
  it('asks registries and responders through proxies, as a mounted hosts.toml says', async () => {
    const { start, ask, ofRegistries, ofEvidence } = await openWorld();
    const files = { 'hosts.toml': HOSTS_TOML, 'ca.pem': server.ca };
    const running = await start({ NODESEAL_REGISTRY_HOSTS: mountHosts(files) });
    expect(await ask(running)).toMatchObject({ allowed: true });
    expect(new Set(ofRegistries.requests)).toEqual(new Set([`CONNECT ${NAME}:443`]));
    expect(ofEvidence.requests).toEqual([
      expect.stringMatching(/^GET http:\/\/ocsp\.corp\.example\/ocsp\//),
    ]);
    expect(await hostsOf(running, 'invalid')).toBe(0);
  });

  it('trusts such a registry by nothing else', async () => {
    const { start, ask } = await openWorld();
    const { status } = await ask(await start({}));
    expect(status?.message).toContain('registry_unreachable');
  });

  it('leaves a proxy out for what NO_PROXY names', async () => {
    const { start, ask, ofRegistries } = await openWorld();
    const { status } = await ask(await start({ NO_PROXY: 'corp.example' }));
    expect(status?.message).toContain('registry_unreachable');
    expect(ofRegistries.requests).toEqual([]);
  });

  it('tells of a hosts.toml that cannot be used before it is asked', async () => {
    const { start, ask } = await openWorld();
    const files = { 'hosts.toml': 'ca = "absent.pem"\n' };
    const certsD = mountHosts(files);
    const running = await start({ NODESEAL_REGISTRY_HOSTS: certsD });
    expect(await running.log.until(certsD)).toMatchObject({ code: 'registry_hosts_invalid' });
    expect(await hostsOf(running, 'invalid')).toBe(1);
    expect((await ask(running)).status?.message).toContain('registry_hosts_invalid');
  });
});

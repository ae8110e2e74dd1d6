// The webhook by what was carried in: signatures and OCSP responses where registry and responder are not reached.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../../agent/commands/bundle.ts';
import { POD, reviewOf, workload } from '../../support/admission.ts';
import { runCommand, temporaryDirectory } from '../../support/front-door.ts';
import { mintOcspResponse } from '../../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../../support/ocsp-server.ts';
import { MEDIA_TYPES, signEnvelope } from '../../support/sign-envelope.ts';
import {
  askWebhook,
  CertificateFiles,
  startWebhook,
  TrustedRegistry,
} from '../../support/webhook.ts';

/** A bundle of a signed and an unsigned image, whose registry and responder are gone. */
async function openClosedSite() {
  const trusted = await TrustedRegistry.start();
  onTestFinished(() => {
    rmSync(trusted.directory, { recursive: true });
  });
  const { registry, ca, repository } = trusted;
  const server = await openEvidenceServer();
  const signer = ca.issue({ ocspUrl: `${server.url}/ocsp` });
  server.routes.set('/ocsp', serveBytes(mintOcspResponse(signer, ca.issuer)));
  const target = registry.pushImage('app', 'good', 'good');
  const envelope = signEnvelope({ format: 'jws', signer, target });
  registry.attachSignature('app', target, envelope, MEDIA_TYPES.jws);
  registry.pushImage('app', 'bad', 'bad');
  const output = join(temporaryDirectory(), 'bundle');
  const names = ['good', 'bad'].map((tag) => `${repository}:${tag}`);
  await runCommand(bundle, ['--output', output, ...names]);
  server.routes.clear();
  await registry.close();
  return { settings: trusted.settings, repository, output };
}

describe('a webhook with a bundle', () => {
  it('lets in what is signed there, and nothing else', async () => {
    const { repository, output, ...trusted } = await openClosedSite();
    const files = new CertificateFiles();
    const settings = { ...trusted.settings, ...files.settings, NODESEAL_MODE: 'enforce' };
    const ask = async (tag: string, more: Readonly<Record<string, string>>) => {
      const running = await startWebhook({ ...settings, ...more });
      const review = reviewOf(POD, workload(POD, 'app', `${repository}:${tag}`));
      const answer = await askWebhook(running, review, { ca: files.current.certificate });
      const page = await (await fetch(`${running.healthUrl}/metrics`)).text();
      return { answer, page };
    };
    const carried = { NODESEAL_BUNDLE_DIR: output };
    const good = await ask('good', carried);
    expect(good.answer).toMatchObject({ allowed: true });
    expect(good.page).toMatch(/^nodeseal_bundle_created_timestamp_seconds \d/m);
    expect(good.page).toMatch(/^nodeseal_carried_ocsp_expiry_timestamp_seconds \d/m);
    expect((await ask('bad', carried)).answer.allowed).toBe(false);
    const without = await ask('good', {});
    expect(without.answer.status?.message).toContain('registry_unreachable');
  });
});

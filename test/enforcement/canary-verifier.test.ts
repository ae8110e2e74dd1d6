import { describe, expect, it, onTestFinished } from 'vitest';
import { type Resource } from '../../agent/enforcement/canary-content.ts';
import { startCanaryRegistry } from '../../agent/enforcement/canary-registry.ts';
import { createCanarySigner } from '../../agent/enforcement/canary-signer.ts';
import { createCanaryVerifier } from '../../agent/enforcement/canary-verifier.ts';
import { createEvidenceSources } from '../../agent/verifier/evidence-sources.ts';
import { contentOf, NOW, openClient } from './fixture.ts';

const clock = { now: () => NOW };
const NEVER = new AbortController().signal;

async function open(serve: (path: string) => boolean = () => true) {
  const signer = createCanarySigner(NOW);
  const { images, resources } = contentOf(signer);
  const served = new Map<string, Resource>([...resources].filter(([path]) => serve(path)));
  const registry = await startCanaryRegistry(served);
  onTestFinished(() => registry.close());
  const evidence = createEvidenceSources({ clock, pluginDir: '/nonexistent' });
  onTestFinished(() => evidence.close());
  const repositories = [images.signed, images.unsigned].map(
    ({ path }) => `${registry.host}/${path}`,
  );
  const parts = { registry: openClient(), evidence, clock };
  const decide = async (kind: 'signed' | 'unsigned', by = signer, scopes = repositories) => {
    const verifier = createCanaryVerifier(parts, scopes, by.certificate);
    const { path, descriptor } = images[kind];
    const name = `${registry.host}/${path}@${descriptor.digest}`;
    const { decision, reason } = await verifier.verify({ name, descriptor }, NEVER);
    return `${decision} ${reason}`;
  };
  return { decide, images, registry };
}

describe("the canary's policy", () => {
  it('lets the signed image in and refuses the unsigned one for what it lacks', async () => {
    const { decide } = await open();
    expect(await decide('signed')).toBe('allow verified');
    expect(await decide('unsigned')).toBe('deny signature_missing');
  });

  it.each(['/referrers/', '/manifests/sha256-'])('does so also without %s', async (part) => {
    const { decide } = await open((path) => !path.includes(part));
    expect(await decide('signed')).toBe('allow verified');
    expect(await decide('unsigned')).toBe('deny signature_missing');
  });

  it('trusts the key of its own run alone', async () => {
    const { decide } = await open();
    expect(await decide('signed', createCanarySigner(NOW))).toBe('deny certificate_untrusted');
  });

  it('covers its own repositories alone', async () => {
    const { decide, images, registry } = await open();
    const elsewhere = [`${registry.host}/${images.signed.path}x`];
    const signer = createCanarySigner(NOW);
    expect(await decide('signed', signer, elsewhere)).toBe('deny policy_not_applicable');
  });
});

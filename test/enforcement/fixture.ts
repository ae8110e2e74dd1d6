// What the tests of enforcement share: a canary's content, and a registry client for it.
import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type CanaryContent, createCanaryContent } from '../../agent/enforcement/canary-content.ts';
import { type CanarySigner, createCanarySigner } from '../../agent/enforcement/canary-signer.ts';
import { createRegistryClient } from '../../agent/verifier/registry/client.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';

export const NONCE = '0123456789abcdef'.repeat(2);
export const NOW = new Date('2026-06-01T00:00:00Z');

export function contentOf(signer: CanarySigner = createCanarySigner(NOW)): CanaryContent {
  return createCanaryContent({ nonce: NONCE, architecture: 'arm64', sign: signer.sign });
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Ends with the test. */
export function openClient() {
  const client = createRegistryClient({
    createTransport: createPooledTransport,
    userAgent: 'nodeseal-test',
  });
  onTestFinished(() => client.close());
  return client;
}

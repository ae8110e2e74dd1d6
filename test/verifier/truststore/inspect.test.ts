// What the keeper of a trust store is told about it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectTrustStore } from '../../../agent/verifier/truststore/inspect.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import { mintCertificate } from '../../support/certificate.ts';
import { temporaryDirectory } from '../../support/front-door.ts';

const NOW = new Date('2030-06-01T00:00:00Z');
const ca = createCa({ intermediates: 1 });
const rootUntil = (notAfter: string) => createCa({ root: { notAfter: new Date(notAfter) } }).root;

/** The sentences about a store `ca:acme` that holds these files. */
function inspect(files: Readonly<Record<string, string | Uint8Array>>): readonly string[] {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'x509/ca/acme'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, 'x509/ca/acme', name), content);
  }
  return inspectTrustStore(root, 'ca:acme', NOW);
}

describe('inspectTrustStore', () => {
  it.each([
    ['a root that is valid for long', ca.root],
    ['a self-signed signing certificate', createSelfSigned()],
    ['a root that is valid for 30 days more', rootUntil('2030-07-01T00:00:00Z')],
  ])('has nothing to say about %s', (_, { pem }) => {
    expect(inspect({ 'root.pem': pem })).toEqual([]);
  });

  it.each([
    ['a root that expired', rootUntil('2030-05-31T23:59:59Z'), 'it expired on 2030-05-31'],
    [
      'a root that expires within 30 days',
      rootUntil('2030-06-30T23:59:59Z'),
      'it expires on 2030-06-30, in 29 days',
    ],
    [
      'a root that expires within two days',
      rootUntil('2030-06-02T12:00:00Z'),
      'it expires on 2030-06-02, in 1 day',
    ],
    [
      'a root that is not valid yet',
      createCa({ root: { notBefore: new Date('2030-06-02T00:00:00Z') } }).root,
      'it is not valid before 2030-06-02',
    ],
    [
      'an intermediate',
      ca.issuer,
      'it is an intermediate, so only chains through this very certificate are trusted',
    ],
    [
      'a root whose signature is by SHA-1',
      createCa({ root: { signature: 'ecdsa-sha1' } }).root,
      'no chain with it is accepted: ',
    ],
    [
      'a CA that names itself as issuer but is signed by another key',
      mintCertificate({ signingKey: ca.issuer.key, basicConstraints: { ca: true } }),
      'it names itself as issuer but did not sign itself, so it ends no chain',
    ],
  ])('tells of %s', (_, { pem }, sentence) => {
    const found = inspect({ 'root.pem': `${createCa().root.pem}${pem}` });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^trust store ca:acme, file "root\.pem", certificate 2 \("/);
    expect(found[0]).toContain(`: ${sentence}`);
  });

  it('tells everything about one certificate', () => {
    const old = createCa({ intermediates: 1, intermediate: { notAfter: new Date(0) } }).issuer;
    expect(inspect({ 'old.pem': old.pem })).toHaveLength(2);
  });

  it('tells why a store cannot be used', () => {
    expect(inspect({})).toEqual([
      'trust store ca:acme: expected at least one certificate, found none',
    ]);
    expect(inspect({ 'leaf.pem': ca.issue().pem })).toEqual([
      expect.stringMatching(/^trust store ca:acme, file "leaf\.pem", certificate 1: expected a CA/),
    ]);
    expect(inspectTrustStore(temporaryDirectory(), 'ca:acme', NOW)).toEqual([
      expect.stringMatching(/^trust store ca:acme: expected it to exist/),
    ]);
  });

  it('tells what is ignored', () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'x509/ca/acme/old'), { recursive: true });
    writeFileSync(join(root, 'x509/ca/acme/root.pem'), ca.root.pem);
    expect(inspectTrustStore(root, 'ca:acme', NOW)).toEqual([
      'trust store ca:acme, file "old": a directory in a store is ignored',
    ]);
  });
});

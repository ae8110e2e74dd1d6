import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { byPreference } from '../../agent/verifier/preference.ts';
import type { TestCertificate } from '../support/certificate.ts';
import { describeBytes, IMAGE_MANIFEST } from '../support/registry.ts';
import { ca, leaf, otherCa } from './fixture.ts';

const TRUST = [
  { name: 'ca:acme' as const, certificates: [parseCertificate(ca.root.der, 'the root')] },
  { name: 'ca:other' as const, certificates: [parseCertificate(otherCa.root.der, 'the other')] },
];

const thumbprint = ({ der }: TestCertificate) => createHash('sha256').update(der).digest('hex');

/** A signature manifest by this name, with an annotation if there is one. */
function listed(name: string, thumbprints?: string): Descriptor {
  const annotations =
    thumbprints === undefined
      ? {}
      : { annotations: { 'io.cncf.notary.x509chain.thumbprint#S256': thumbprints } };
  return { ...describeBytes(Buffer.from(name), IMAGE_MANIFEST), ...annotations };
}

describe('signatures that name a certificate of the trust stores', () => {
  const chain = [thumbprint(leaf), thumbprint(ca.root)];
  const plain = listed('plain');

  it.each([
    ['as notation writes it', JSON.stringify(chain)],
    ['in upper case, as in the specification', JSON.stringify(chain).toUpperCase()],
    ['of any store', JSON.stringify([thumbprint(otherCa.root)])],
    ['among others', JSON.stringify(['00'.repeat(32), 'short', ...chain])],
  ])('come first: %s', (_, thumbprints) => {
    const hinted = listed('hinted', thumbprints);
    const descriptors = [hinted, plain];
    expect(byPreference([plain, hinted], TRUST)).toEqual({ descriptors, startsLikely: true });
  });

  it.each([
    ['no annotation', undefined],
    ['none of ours', JSON.stringify([thumbprint(leaf)])],
    ['a longer text that holds one', `["0${thumbprint(ca.root)}"]`],
    ['a part of one', JSON.stringify([thumbprint(ca.root).slice(0, 40)])],
    ['junk', '{"[[['],
    ['one beyond what is read', ' '.repeat(4096) + JSON.stringify(chain)],
  ])('are not those with %s', (_, thumbprints) => {
    const unhinted = listed('unhinted', thumbprints);
    const descriptors = [plain, unhinted];
    expect(byPreference(descriptors, TRUST)).toEqual({ descriptors, startsLikely: false });
  });

  it('keep their order among each other, and so do all others', () => {
    const hint = JSON.stringify(chain);
    const [a, b, c, d] = [listed('a'), listed('b', hint), listed('c'), listed('d', hint)];
    expect(byPreference([a, b, c, d], TRUST).descriptors).toEqual([b, d, a, c]);
  });

  it('stay where they are when there is no trust to name', () => {
    const hinted = listed('hinted', JSON.stringify(chain));
    const missing = new AgentError('truststore_missing', 'no store');
    for (const trust of [[], [{ name: 'ca:acme' as const, certificates: missing }]]) {
      expect(byPreference([plain, hinted], trust).descriptors).toEqual([plain, hinted]);
    }
  });
});

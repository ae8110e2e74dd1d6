// Evidence is opened when it is first needed, and asked with what the verdict has.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import {
  createEvidenceSources,
  evidenceFor,
  patiently,
} from '../../agent/verifier/evidence-sources.ts';
import type { RevocationSource } from '../../agent/verifier/evidence/revocation-source.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { ca, leaf, NO_EVIDENCE, NOW, openBench, revocationOf } from './fixture.ts';

const NOWHERE = join(tmpdir(), 'nodeseal-no-such-directory');
const CHAIN = [parseCertificate(leaf.der, 'leaf'), parseCertificate(ca.root.der, 'root')] as const;
const signal = new AbortController().signal;

describe('a verdict', () => {
  /** The sources that a verdict on this signature opens. */
  async function openedFor(signer = leaf, statement = {}): Promise<string[]> {
    const bench = await openBench();
    bench.sign({ signer });
    const revocation = vi.fn(revocationOf({ kind: 'good', source: 'ocsp' }).revocation);
    const plugins = vi.fn(NO_EVIDENCE.plugins);
    await bench.verify({ statement, parts: { evidence: { revocation, plugins } } });
    return [
      ...revocation.mock.calls.map(() => 'revocation'),
      ...plugins.mock.calls.map(() => 'plugins'),
    ];
  }

  it('on a signature that names nobody opens no source of evidence', async () => {
    expect(await openedFor()).toEqual([]);
  });

  it('on a signature that can be revoked opens that source alone, and not if revocation is skipped', async () => {
    const signer = ca.issue({ ocspUrl: 'http://ocsp.example' });
    expect(await openedFor(signer)).toEqual(['revocation']);
    const override = { revocation: 'skip' };
    const skipping = { signatureVerification: { level: 'strict', override } };
    expect(await openedFor(signer, skipping)).toEqual([]);
  });
});

describe('evidence', () => {
  it('is asked with the signal of the verdict, a signing time if there is one, and patience', async () => {
    const check = vi.fn<RevocationSource['check']>(() => Promise.resolve([]));
    const source = {
      check,
      firstCrlEnd: () => null,
      firstCarriedOcspEnd: () => null,
      close: () => Promise.resolve(),
    };
    const sources = { ...NO_EVIDENCE, revocation: () => Promise.resolve(source) };
    const evidence = evidenceFor(sources, signal);
    await evidence.revocation(CHAIN);
    await evidence.revocation(CHAIN, NOW);
    await evidenceFor(patiently(sources), signal).revocation(CHAIN, NOW);
    expect(check.mock.calls).toEqual([
      [CHAIN, {}, signal],
      [CHAIN, { authenticSigningTime: NOW }, signal],
      [CHAIN, { authenticSigningTime: NOW, isPatient: true }, signal],
    ]);
  });
});

describe('the sources of a host', () => {
  const NOTHING = { firstCrlEnd: null, firstCarriedOcspEnd: null, bundleCreated: null };
  const open = () =>
    createEvidenceSources({ clock: { now: () => NOW }, pluginDir: NOWHERE, crlCacheDir: NOWHERE });

  it('are made once each', async () => {
    const sources = open();
    expect(await sources.revocation()).toBe(await sources.revocation());
    expect(await sources.plugins()).toBe(await sources.plugins());
    await sources.close();
  });

  it('can be closed unused, and need none of the folders to be there', async () => {
    await open().close();
    const sources = open();
    expect(sources.staleness()).toEqual(NOTHING);
    const evidence = evidenceFor(sources, signal);
    expect(await evidence.revocation(CHAIN)).toMatchObject([{ status: { kind: 'not_revocable' } }]);
    expect(sources.staleness()).toEqual(NOTHING);
    const error = await expectCodeAsync(
      evidence.plugin('com.example.verifier', undefined),
      'plugin_missing',
    );
    expect(error.message).toContain(NOWHERE);
    await sources.close();
  });
});

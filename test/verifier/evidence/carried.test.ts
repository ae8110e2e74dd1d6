// Evidence that was carried in, beside the servers that it is from.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { certIdLabel } from '../../../agent/notation/revocation/cert-id.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { carriedOr, withTerms } from '../../../agent/verifier/evidence/carried.ts';
import { createCa } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import { mintCrl } from '../../support/crl.ts';
import {
  mintOcspDelegate,
  mintOcspResponse,
  type OcspOptions,
  serialOf,
} from '../../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../../support/ocsp-server.ts';
import {
  check,
  expectUnknown,
  hoursFromNow,
  ISSUER,
  issueNaming,
  means,
  NOW,
  openFolder,
  openSource,
  TestClock,
} from './fixture.ts';

const OTHER = createCa({ name: 'Other' });

function label(leaf: TestCertificate): string {
  const [certificate, issuer] = [leaf, ISSUER].map(({ der }) => parseCertificate(der, 'one'));
  if (certificate === undefined || issuer === undefined) throw new TypeError('two');
  return certIdLabel({ certificate, issuer });
}

/** What was carried in, by what it is evidence on. */
function carrying(...all: readonly (readonly [subject: string, bytes: Buffer])[]) {
  const found = new Map<string, Buffer>(all);
  const find = (subject: string) => Promise.resolve(found.get(subject));
  return { crl: find, ocsp: find, found };
}

/** A leaf whose responder answers, a source that has an answer as well, and a clock. */
async function open(carriedOptions: OcspOptions, { isUp = true, now = NOW } = {}) {
  const server = await openEvidenceServer();
  const leaf = issueNaming([`${server.url}/ocsp`]);
  const serve = (options: OcspOptions) => {
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now, ...options })));
  };
  if (isUp) serve({});
  const clock = new TestClock();
  clock.time = now;
  const carried = carrying([
    label(leaf),
    mintOcspResponse(leaf, ISSUER, { now, ...carriedOptions }),
  ]);
  const source = openSource({ clock, carried });
  return { server, serve, leaf, clock, carried, source };
}

describe('an OCSP answer that was carried in', () => {
  it.each(['good', 'revoked'] as const)('decides without the responder: %s', async (status) => {
    const { server, source, leaf } = await open({ status });
    const found = await check(source, leaf);
    expect(found).toMatchObject({ kind: status, source: 'ocsp', carriedOf: hoursFromNow(-1) });
    expect(server.requests).toEqual([]);
    expect(source.firstCarriedOcspEnd()).toEqual(hoursFromNow(1));
  });

  it.each<[string, OcspOptions]>([
    ['is out of date', { nextUpdate: hoursFromNow(-0.01) }],
    ['is of the future', { thisUpdate: hoursFromNow(0.1) }],
    ['has no end', { nextUpdate: null }],
    ['is on another certificate', { serialNumber: 4711n }],
    ['is of another issuer', { nameOf: OTHER.issuer, keyOf: OTHER.issuer }],
    ['is signed by somebody else', { signer: OTHER.issuer }],
  ])('that %s is as good as none, and told of where nobody else answers', async (_, options) => {
    const up = await open(options);
    const status = await check(up.source, up.leaf);
    expect(status).toMatchObject({ kind: 'good', source: 'ocsp' });
    expect(status).not.toHaveProperty('carriedOf');
    expect(up.server.requests).toHaveLength(1);
    expect(up.source.firstCarriedOcspEnd()).toBeNull();
    const down = await open(options, { isUp: false });
    const { message } = expectUnknown(
      await check(down.source, down.leaf),
      'revocation_unreachable',
    );
    expect(message).toContain('; carried in: OCSP response from');
  });

  it('that does not know leads on to the CRL, as that of a responder does', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/ocsp`], [[`${server.url}/crl`]]);
    const source = openSource({
      carried: carrying(
        [label(leaf), mintOcspResponse(leaf, ISSUER, { now: NOW, status: 'unknown' })],
        [`${server.url}/crl`, mintCrl(ISSUER, { now: NOW })],
      ),
    });
    expect(await check(source, leaf)).toMatchObject({ kind: 'good', source: 'crl' });
    expect(server.requests).toEqual([]);
  });

  it('takes not the place of a newer one that the responder gave', async () => {
    const { clock, carried, source, leaf, serve } = await open({});
    const old = mintOcspResponse(leaf, ISSUER, { now: NOW, nextUpdate: hoursFromNow(5) });
    carried.found.clear();
    serve({ status: 'revoked', thisUpdate: NOW, nextUpdate: hoursFromNow(5) });
    expect((await check(source, leaf)).kind).toBe('revoked');
    carried.found.set(label(leaf), old);
    clock.time = hoursFromNow(2);
    expect((await check(source, leaf)).kind).toBe('revoked');
    expect(source.firstCarriedOcspEnd()).toBeNull();
  });

  it('is taken from a newer bundle within an hour, and its end is told also when it has passed', async () => {
    const { clock, carried, source, leaf } = await open({}, { isUp: false });
    expect((await check(source, leaf)).kind).toBe('good');
    clock.time = hoursFromNow(1.5);
    expectUnknown(await check(source, leaf), 'revocation_unreachable');
    expect(source.firstCarriedOcspEnd()).toEqual(hoursFromNow(1));
    carried.found.set(label(leaf), mintOcspResponse(leaf, ISSUER, { now: clock.time }));
    clock.time = hoursFromNow(1.6);
    expect((await check(source, leaf)).kind).toBe('good');
    expect(source.firstCarriedOcspEnd()).toEqual(hoursFromNow(2.5));
  });

  it.each([
    [true, 'good'],
    [false, 'unknown'],
  ])('by a delegate counts when the delegate’s CRL says so: %s', async (isGood, kind) => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/ocsp`]);
    const address = `${server.url}/delegates.crl`;
    const signer = mintOcspDelegate(ISSUER, { extensions: means([], [[address]]) });
    const entries = isGood ? [] : [{ serialNumber: serialOf(signer) }];
    const source = openSource({
      carried: carrying(
        [label(leaf), mintOcspResponse(leaf, ISSUER, { now: NOW, signer })],
        [address, mintCrl(ISSUER, { now: NOW, entries })],
      ),
    });
    expect((await check(source, leaf)).kind).toBe(kind);
    expect(server.requests).toEqual([]);
  });
});

describe('what was carried in', () => {
  const BYTES = Promise.resolve(Buffer.from('carried'));
  const DOWN = new AgentError('revocation_unreachable', 'down');
  const throwing = (error: Error) => () => {
    throw error;
  };

  it('leaves the failure of a server as it is where there is none', async () => {
    for (const none of [undefined, Promise.resolve(undefined)]) {
      const found = carriedOr(none, throwing(new TypeError('verified')), () =>
        Promise.reject(DOWN),
      );
      await expect(found).rejects.toBe(DOWN);
    }
  });

  it('hides no fault of ours', async () => {
    const fault = new TypeError('a fault');
    const forged = new AgentError('revocation_evidence_invalid', 'forged');
    const verifying = carriedOr(BYTES, throwing(fault), () => Promise.reject(DOWN));
    await expect(verifying).rejects.toBe(fault);
    const fetching = carriedOr(BYTES, throwing(forged), () => Promise.reject(fault));
    await expect(fetching).rejects.toBe(fault);
    const refused = carriedOr(BYTES, throwing(forged), () => Promise.reject(DOWN));
    await expect(refused).rejects.toThrow('down; carried in: forged');
  });

  it('hides none of them behind a status', async () => {
    const fault = new TypeError('a fault');
    const failing = { crl: () => Promise.reject(fault), ocsp: () => Promise.reject(fault) };
    const address = 'http://127.0.0.1:1/';
    for (const leaf of [issueNaming([address]), issueNaming([], [[address]])]) {
      await expect(check(openSource({ carried: failing }), leaf)).rejects.toBe(fault);
      expectUnknown(
        await check(openSource({ carried: carrying() }), leaf),
        'revocation_unreachable',
      );
    }
  });

  it('has no part in a status that is not known', () => {
    const term = { isCarried: true, thisUpdate: NOW, renewAt: hoursFromNow(1) };
    const unknown = { kind: 'unknown', error: DOWN } as const;
    expect(withTerms(unknown, [term])).toBe(unknown);
    const terms = { carriedOf: NOW, renewAt: hoursFromNow(1) };
    expect(withTerms({ kind: 'good', source: 'crl' }, [term])).toMatchObject(terms);
  });
});

describe('a CRL that was carried in', () => {
  it('says how old it is, and is not written to disk once more', async () => {
    const folder = await openFolder();
    const server = await openEvidenceServer();
    const address = `${server.url}/1.crl`;
    const leaf = issueNaming([], [[address]]);
    const cacheDir = join(folder, 'crl');
    const source = openSource({
      cacheDir,
      carried: carrying([address, mintCrl(ISSUER, { now: NOW })]),
    });
    const status = await check(source, leaf);
    expect(status).toMatchObject({ kind: 'good', source: 'crl', carriedOf: hoursFromNow(-1) });
    expect(existsSync(cacheDir)).toBe(false);
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { now: NOW })));
    expect(await check(openSource({ cacheDir }), leaf)).not.toHaveProperty('carriedOf');
    expect(existsSync(cacheDir)).toBe(true);
  });

  it('says how old it is also where it is a delta only', async () => {
    const server = await openEvidenceServer();
    const [base, delta] = [`${server.url}/1.crl`, `${server.url}/delta.crl`];
    const freshest = mintCrl(ISSUER, { now: NOW, freshest: [delta] });
    server.routes.set('/1.crl', serveBytes(freshest));
    const thisUpdate = hoursFromNow(-0.5);
    const changes = mintCrl(ISSUER, { now: NOW, thisUpdate, deltaBase: 10, number: 11 });
    const source = openSource({ carried: carrying([delta, changes]) });
    const status = await check(source, issueNaming([], [[base]]));
    expect(status).toMatchObject({ kind: 'good', carriedOf: thisUpdate });
  });

  it('that is out of date is told of where its server does not answer', async () => {
    const server = await openEvidenceServer();
    const address = `${server.url}/1.crl`;
    const old = mintCrl(ISSUER, { now: hoursFromNow(-24 * 30) });
    const source = openSource({ carried: carrying([address, old]) });
    const status = await check(source, issueNaming([], [[address]]));
    const { message } = expectUnknown(status, 'revocation_unreachable');
    expect(message).toContain('found 404');
    expect(message).toMatch(/; carried in: CRL from .* expected a next update not before/);
  });
});

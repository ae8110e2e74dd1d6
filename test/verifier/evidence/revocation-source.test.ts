import { describe, expect, it } from 'vitest';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import { crlEntry, distributionPoints, mintCrl } from '../../support/crl.ts';
import { testKey } from '../../support/keys.ts';
import {
  mintOcspDelegate,
  mintOcspResponse,
  ocspError,
  type OcspOptions,
} from '../../support/ocsp.ts';
import {
  type EvidenceHandler,
  type EvidenceServer,
  openEvidenceServer,
  serveBytes,
  serveDrip,
  serveHalf,
  serveReset,
  serveSilence,
  serveStatus,
  serveWithoutEnd,
} from '../../support/ocsp-server.ts';
import { serialOf } from '../../support/ocsp.ts';
import {
  chainOf,
  check,
  expectUnknown,
  hoursFromNow,
  ISSUER,
  issueNaming,
  means,
  NEVER,
  NOW,
  openFolder,
  openSource,
  TestClock,
} from './fixture.ts';

const OTHER = createCa({ name: 'Other' });
const CRL = mintCrl(ISSUER, { now: NOW });

/** A server whose responder answers on a leaf that names it, and on nothing else. */
async function openResponder(options: OcspOptions = {}) {
  const server = await openEvidenceServer();
  const leaf = issueNaming([`${server.url}/ocsp`]);
  server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW, ...options })));
  return { server, leaf };
}

/** A server with a CRL, and a leaf that names it. */
async function openCrl(serve: EvidenceHandler = serveBytes(CRL)) {
  const server = await openEvidenceServer();
  const leaf = issueNaming([], [[`${server.url}/1.crl`]]);
  server.routes.set('/1.crl', serve);
  return { server, leaf };
}

function pathsOf(server: EvidenceServer): string[] {
  return server.requests.map(({ path }) => path);
}

/** Asserts that evidence is asked for anew in the last hour before so many are over. */
function expectRenewal(status: RevocationStatus, hours: number): void {
  if (status.kind !== 'good') throw new TypeError('expected a good status');
  expect(status.renewAt?.getTime()).toBeLessThanOrEqual(hoursFromNow(hours).getTime());
  expect(status.renewAt?.getTime()).toBeGreaterThanOrEqual(hoursFromNow(hours - 1).getTime());
}

function revoking(leaf: Parameters<typeof serialOf>[0], reason = 1): Buffer {
  return mintCrl(ISSUER, { now: NOW, entries: [{ serialNumber: serialOf(leaf), reason }] });
}

describe('a chain', () => {
  it('has a status for each certificate but its root', async () => {
    const server = await openEvidenceServer();
    const ca = createCa({
      name: 'Deep',
      intermediates: 1,
      intermediate: { extensions: means([], [[`${server.url}/root.crl`]]) },
    });
    server.routes.set('/root.crl', serveBytes(mintCrl(ca.root, { now: NOW })));
    const leaf = ca.issue();
    const statuses = await openSource().check(chainOf(leaf), {}, NEVER);
    expect(statuses.map(({ status }) => status.kind)).toEqual(['not_revocable', 'good']);
    expect(statuses.map(({ certificate }) => certificate.raw)).toEqual(leaf.chain.slice(0, 2));
  });

  it('of one certificate has none', async () => {
    const leaf = createSelfSigned({ ocspUrl: 'http://127.0.0.1:1/' });
    expect(await openSource().check(chainOf(leaf), {}, NEVER)).toEqual([]);
  });

  it('is not asked for before it is checked, and then all at once', async () => {
    const server = await openEvidenceServer();
    const names = ['/root.crl', '/leaf.crl'];
    const ca = createCa({
      name: 'Parallel',
      intermediates: 1,
      intermediate: { extensions: means([], [[`${server.url}/root.crl`]]) },
    });
    const leaf = ca.issue({ extensions: means([], [[`${server.url}/leaf.crl`]]) });
    // Neither is answered before both have been asked for.
    const bothAsked = Promise.withResolvers<undefined>();
    for (const name of names) {
      const issuer = name === '/root.crl' ? ca.root : ca.issuer;
      server.routes.set(name, async (request, response) => {
        if (server.requests.length === 2) bothAsked.resolve(undefined);
        await bothAsked.promise;
        await serveBytes(mintCrl(issuer, { now: NOW }))(request, response);
      });
    }
    const source = openSource();
    expect(server.requests).toEqual([]);
    const statuses = await source.check(chainOf(leaf), {}, NEVER);
    expect(statuses.map(({ status }) => status.kind)).toEqual(['good', 'good']);
  });
});

describe('an OCSP responder', () => {
  it('is asked by GET, and says that a certificate is good', async () => {
    const { server, leaf } = await openResponder();
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'good', source: 'ocsp' });
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'GET', headers: { host: server.host } });
    expect(request?.path).toMatch(/^\/ocsp\/[A-Za-z0-9%]+$/);
    await check(openSource(), issueNaming([`${server.url}/ocsp/`]));
    expect(server.requests[1]?.path).toMatch(/^\/ocsp\/[A-Za-z0-9%]+$/);
  });

  it('is asked by POST for what does not fit into a GET, and where there is a query', async () => {
    const server = await openEvidenceServer();
    const long = issueNaming([`${server.url}/ocsp`], [], { serialNumber: 1n << 1200n });
    const query = issueNaming([`${server.url}/ask?ca=1`]);
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(long, ISSUER, { now: NOW })));
    server.routes.set('/ask?ca=1', serveBytes(mintOcspResponse(query, ISSUER, { now: NOW })));
    expect((await check(openSource(), long)).kind).toBe('good');
    expect((await check(openSource(), query)).kind).toBe('good');
    for (const request of server.requests) {
      expect(request).toMatchObject({
        method: 'POST',
        headers: { 'content-type': 'application/ocsp-request' },
      });
      expect(request.body.length).toBeGreaterThan(60);
    }
    expect(pathsOf(server)).toEqual(['/ocsp', '/ask?ca=1']);
  });

  it('says that a certificate is revoked, unless it was suspect only after it signed', async () => {
    const revoked = { status: 'revoked', invalidityDate: hoursFromNow(-10) } as const;
    const { leaf } = await openResponder(revoked);
    const source = openSource();
    expect(await check(source, leaf)).toMatchObject({ kind: 'revoked', source: 'ocsp' });
    expect(await check(source, leaf, hoursFromNow(-11))).toMatchObject({ kind: 'good' });
    expect(await check(source, leaf, hoursFromNow(-9))).toMatchObject({ kind: 'revoked' });
  });

  it.each([
    ['expired', { nextUpdate: hoursFromNow(-1) }],
    ['from the future', { thisUpdate: hoursFromNow(1) }],
    ['signed by another', { signer: OTHER.issuer }],
    [
      'of a delegate that is not for it',
      { signer: mintOcspDelegate(ISSUER, { extendedKeyUsage: null }) },
    ],
    [
      'of an expired delegate',
      { signer: mintOcspDelegate(ISSUER, { notAfter: hoursFromNow(-1) }) },
    ],
    ['for another serial number', { serialNumber: 5n }],
    ['for the key of another issuer', { keyOf: OTHER.issuer }],
  ] satisfies [string, OcspOptions][])(
    'is not believed when its answer is %s',
    async (_, options) => {
      const { leaf } = await openResponder(options);
      expectUnknown(await check(openSource(), leaf), 'revocation_evidence_invalid');
    },
  );

  it.each([
    ['says that it does not know', serveBytes(ocspError(6)), 'revocation_unknown'],
    ['answers something else', serveBytes(Buffer.from('<html>')), 'revocation_evidence_invalid'],
    ['answers without end', serveWithoutEnd, 'revocation_evidence_invalid'],
    ['answers 500', serveStatus(500), 'revocation_unreachable'],
    ['answers 204', serveStatus(204), 'revocation_unreachable'],
    ['breaks off', serveReset, 'revocation_unreachable'],
    [
      'compresses',
      serveBytes(Buffer.of(0), { 'content-encoding': 'gzip' }),
      'revocation_unreachable',
    ],
  ] satisfies [string, EvidenceHandler, string][])(
    'that %s tells nothing',
    async (_, serve, code) => {
      const { server, leaf } = await openResponder();
      server.routes.set('/ocsp', serve);
      expectUnknown(await check(openSource(), leaf), code);
    },
  );

  it.each([
    ['is silent', serveSilence],
    ['stops half-way', serveHalf(Buffer.alloc(100))],
    ['drips', serveDrip],
  ] satisfies [string, EvidenceHandler][])('that %s is given up', async (_, serve) => {
    const { server, leaf } = await openResponder();
    server.routes.set('/ocsp', serve);
    const status = await check(openSource({ limits: { ocspMs: 100 } }), leaf);
    expect(expectUnknown(status, 'revocation_unreachable').message).toContain('within 100 ms');
  });

  it('that nobody listens for tells nothing', async () => {
    const leaf = issueNaming(['http://127.0.0.1:1/']);
    expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
  });

  it('may have any content type', async () => {
    const { server, leaf } = await openResponder();
    const answer = mintOcspResponse(leaf, ISSUER, { now: NOW });
    server.routes.set('/ocsp', serveBytes(answer, { 'content-type': 'text/html' }));
    expect((await check(openSource(), leaf)).kind).toBe('good');
  });

  it('is followed by the next, if it gives no answer', async () => {
    const { server } = await openResponder();
    const leaf = issueNaming([`${server.url}/dead`, 'ldap://127.0.0.1/', `${server.url}/ocsp`]);
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
    expect((await check(openSource(), leaf)).kind).toBe('good');
  });

  it('is the eighth at most', async () => {
    const { server } = await openResponder();
    const dead = Array.from({ length: 8 }, (_, index) => `${server.url}/dead/${index}`);
    for (const [count, kind] of [
      [7, 'good'],
      [8, 'unknown'],
    ] as const) {
      const leaf = issueNaming([...dead.slice(0, count), `${server.url}/ocsp`]);
      server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
      expect((await check(openSource(), leaf)).kind).toBe(kind);
    }
  });

  it('is the last when it does not know the certificate', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/1`, `${server.url}/2`]);
    server.routes.set(
      '/1',
      serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW, status: 'unknown' })),
    );
    server.routes.set('/2', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
    expectUnknown(await check(openSource(), leaf), 'revocation_unknown');
    expect(server.requests).toHaveLength(1);
  });
});

describe('a delegate without nocheck', () => {
  async function openDelegated(crl: (delegate: Parameters<typeof serialOf>[0]) => Buffer) {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/ocsp`]);
    const signer = mintOcspDelegate(ISSUER, { extensions: means([], [[`${server.url}/1.crl`]]) });
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW, signer })));
    server.routes.set('/1.crl', serveBytes(crl(signer)));
    return { server, leaf };
  }

  it('is itself looked for in the CRL that it names', async () => {
    const { server, leaf } = await openDelegated(() => CRL);
    expect((await check(openSource(), leaf)).kind).toBe('good');
    expect(pathsOf(server)).toContain('/1.crl');
  });

  it('is not believed once it is revoked', async () => {
    const { leaf } = await openDelegated((delegate) => revoking(delegate));
    const error = expectUnknown(await check(openSource(), leaf), 'revocation_evidence_invalid');
    expect(error.message).toContain('expected a delegate that is not revoked');
  });

  it('is looked for again by whoever is in a hurry, after a failure that the patient still wait for', async () => {
    const { server, leaf } = await openDelegated(() => CRL);
    server.routes.delete('/1.crl');
    const clock = new TestClock();
    const source = openSource({ clock });
    const askedAfter = async (seconds: number, options: { isPatient?: boolean }) => {
      clock.time = new Date(clock.time.getTime() + seconds * 1000);
      await source.check(chainOf(leaf), options, NEVER);
      return pathsOf(server).filter((path) => path === '/1.crl').length;
    };
    expect(await askedAfter(0, { isPatient: true })).toBe(1);
    expect(await askedAfter(20, { isPatient: true })).toBe(1);
    expect(await askedAfter(0, {})).toBe(2);
  });

  it('is not asked for at a responder', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/ocsp`]);
    const signer = mintOcspDelegate(ISSUER, { extensions: means([`${server.url}/ocsp`]) });
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW, signer })));
    expectUnknown(await check(openSource(), leaf), 'revocation_unknown');
    expect(server.requests).toHaveLength(1);
  });
});

describe('CRLs', () => {
  it('are fetched, and say whether a certificate is revoked', async () => {
    const { server, leaf } = await openCrl();
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'good', source: 'crl' });
    server.routes.set('/1.crl', serveBytes(revoking(leaf), { 'content-type': 'text/plain' }));
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'revoked', source: 'crl' });
  });

  it.each([
    [
      'expired',
      serveBytes(mintCrl(ISSUER, { now: hoursFromNow(-25) })),
      'revocation_evidence_invalid',
    ],
    ['signed by another', serveBytes(mintCrl(OTHER.issuer)), 'revocation_evidence_invalid'],
    [
      'forged',
      serveBytes(mintCrl(ISSUER, { signingKey: testKey('p256', 'x') })),
      'revocation_evidence_invalid',
    ],
    ['without end', serveWithoutEnd, 'revocation_evidence_invalid'],
    ['not there', serveStatus(404), 'revocation_unreachable'],
    ['empty', serveBytes(Buffer.alloc(0)), 'revocation_evidence_invalid'],
  ] satisfies [string, EvidenceHandler, string][])(
    'that are %s tell nothing',
    async (_, serve, code) => {
      const { leaf } = await openCrl(serve);
      expectUnknown(await check(openSource({ limits: { crlBytes: 1024 * 1024 } }), leaf), code);
    },
  );

  it.each([
    ['are silent', serveSilence],
    ['drip', serveDrip],
  ] satisfies [string, EvidenceHandler][])('that %s are given up', async (_, serve) => {
    const { leaf } = await openCrl(serve);
    const status = await check(openSource({ limits: { crlMs: 100 } }), leaf);
    expectUnknown(status, 'revocation_unreachable');
  });

  it('are asked when the responder cannot tell, and only then', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([`${server.url}/ocsp`], [[`${server.url}/1.crl`]]);
    server.routes.set('/1.crl', serveBytes(revoking(leaf)));
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'revoked', source: 'crl' });
    const unknown = mintOcspResponse(leaf, ISSUER, { now: NOW, status: 'unknown' });
    server.routes.set('/ocsp', serveBytes(unknown));
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'revoked', source: 'crl' });
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
    expect(await check(openSource(), leaf)).toMatchObject({ kind: 'good', source: 'ocsp' });
    server.routes.clear();
    const error = expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
    expect(error.message).toMatch(/OCSP response from .*404; CRL from .*404/);
  });

  it('may be as large as is allowed, and no byte more', async () => {
    const { leaf } = await openCrl();
    const of = (crlBytes: number) => check(openSource({ limits: { crlBytes } }), leaf);
    expect((await of(CRL.length)).kind).toBe('good');
    expectUnknown(await of(CRL.length - 1), 'revocation_evidence_invalid');
  });

  it('that are encoded are not read', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { leaf } = await openCrl((_, response) => {
      response.on('close', () => closed.resolve(undefined));
      response.writeHead(200, { 'content-encoding': 'gzip' }).write('without end');
    });
    expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
    await closed.promise;
  });

  it('of one distribution point are alternatives, in order', async () => {
    const server = await openEvidenceServer();
    const point = [
      `ldap://127.0.0.1/`,
      `${server.url}/dead`,
      `${server.url}/1.crl`,
      `${server.url}/2`,
    ];
    const leaf = issueNaming([], [point]);
    server.routes.set('/1.crl', serveBytes(CRL));
    expect((await check(openSource(), leaf)).kind).toBe('good');
    expect(pathsOf(server)).toEqual(['/dead', '/1.crl']);
  });

  it('of several distribution points must all be had', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([], [[`${server.url}/1.crl`], [`${server.url}/2.crl`]]);
    server.routes.set('/1.crl', serveBytes(CRL));
    expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
    server.routes.set('/2.crl', serveBytes(CRL));
    expect((await check(openSource(), leaf)).kind).toBe('good');
    server.routes.delete('/1.crl');
    server.routes.set('/2.crl', serveBytes(revoking(leaf)));
    expect((await check(openSource(), leaf)).kind).toBe('revoked');
  });

  it('must be at one address at least, and at few', async () => {
    const none = { oid: '2.5.29.31', critical: false, value: distributionPoints([[]]) };
    const leaf = issueNaming([], [], { extensions: [none] });
    expectUnknown(await check(openSource(), leaf), 'revocation_unknown');
    const { url, routes } = await openEvidenceServer();
    routes.set('/1.crl', serveBytes(CRL));
    const dead = (count: number) =>
      Array.from({ length: count }, (_, index) => `${url}/${index + 2}`);
    const [most, many] = [7, 8].map((count) => issueNaming([], [[...dead(count), `${url}/1.crl`]]));
    if (most === undefined || many === undefined) throw new TypeError('two');
    expect((await check(openSource(), most)).kind).toBe('good');
    expectUnknown(await check(openSource(), many), 'revocation_unknown');
  });

  it('are completed by the delta that they name', async () => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([], [[`${server.url}/1.crl`]]);
    const freshest = ['ldap://127.0.0.1/', `${server.url}/delta.crl`];
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { now: NOW, freshest })));
    expectUnknown(await check(openSource(), leaf), 'revocation_address_refused');
    const entries = [{ serialNumber: serialOf(leaf), reason: 1 }];
    const delta = { now: NOW, deltaBase: 10, number: 11 };
    server.routes.set('/delta.crl', serveBytes(mintCrl(ISSUER, { ...delta, entries })));
    expect((await check(openSource(), leaf)).kind).toBe('revoked');
    server.routes.set('/delta.crl', serveBytes(mintCrl(ISSUER, delta)));
    expect((await check(openSource(), leaf)).kind).toBe('good');
  });

  it('of 20 MiB are read in place', async () => {
    const { server, leaf } = await openCrl();
    const entry = crlEntry({ serialNumber: 2n ** 127n });
    const many = Buffer.alloc(entry.length * Math.ceil((20 * 1024 * 1024) / entry.length), entry);
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { now: NOW, entriesDer: many })));
    expect((await check(openSource(), leaf)).kind).toBe('good');
    const entriesDer = Buffer.concat([many, crlEntry({ serialNumber: serialOf(leaf) })]);
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { now: NOW, entriesDer })));
    expect((await check(openSource(), leaf)).kind).toBe('revoked');
  });
});

describe('the deadline', () => {
  it('ends the whole check', async () => {
    const { leaf } = await openCrl(serveSilence);
    const status = await check(openSource({ limits: { overallMs: 50 } }), leaf);
    expect(expectUnknown(status, 'revocation_unreachable').message).toContain('in time');
  });

  it('of the caller does too, before anything is asked', async () => {
    const { server, leaf } = await openCrl();
    const status = await check(openSource(), leaf, undefined, AbortSignal.abort());
    expectUnknown(status, 'revocation_unreachable');
    expect(server.requests).toEqual([]);
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('are followed within the host: %i', async (status) => {
    const { server, leaf } = await openCrl(serveStatus(status, { location: '/moved' }));
    server.routes.set('/moved', serveBytes(CRL));
    expect((await check(openSource(), leaf)).kind).toBe('good');
  });

  it.each([201, 300, 304, 404])('are no other statuses, whatever they say: %i', async (status) => {
    const { server, leaf } = await openCrl(serveStatus(status, { location: '/moved' }));
    server.routes.set('/moved', serveBytes(CRL));
    const { message } = expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
    expect(message).toContain(`found ${status}`);
    expect(server.requests).toHaveLength(1);
  });

  it('are not read', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { server, leaf } = await openCrl((_, response) => {
      response.on('close', () => closed.resolve(undefined));
      response.writeHead(302, { location: '/moved' }).write('without end');
    });
    server.routes.set('/moved', serveBytes(CRL));
    expect((await check(openSource(), leaf)).kind).toBe('good');
    await closed.promise;
  });

  it('elsewhere are refused', async () => {
    const other = await openEvidenceServer();
    for (const location of [`${other.url}/1.crl`, 'https://127.0.0.1/', 'file:///etc/passwd']) {
      const { leaf } = await openCrl(serveStatus(301, { location }));
      expectUnknown(await check(openSource(), leaf), 'revocation_address_refused');
    }
    const { leaf } = await openCrl(serveStatus(301));
    expectUnknown(await check(openSource(), leaf), 'revocation_address_refused');
    expect(other.requests).toEqual([]);
  });

  it('are few', async () => {
    const { server, leaf } = await openCrl(serveStatus(302, { location: '/1.crl' }));
    const { message } = expectUnknown(await check(openSource(), leaf), 'revocation_unreachable');
    expect(message).toContain('expected at most 3 redirects');
    expect(server.requests).toHaveLength(4);
    const hops = ['/1.crl', '/2', '/3', '/4'];
    for (const [index, path] of hops.entries()) {
      server.routes.set(path, serveStatus(302, { location: hops[index + 1] ?? '' }));
    }
    server.routes.set('/4', serveBytes(CRL));
    expect((await check(openSource(), leaf)).kind).toBe('good');
  });
});

describe('what was fetched', () => {
  it('is shared by all who wait for it', async () => {
    const { server, leaf } = await openCrl();
    const source = openSource();
    await Promise.all([check(source, leaf), check(source, leaf), check(source, leaf)]);
    await check(source, leaf);
    expect(server.requests).toHaveLength(1);
  });

  it('is fetched again when it is no longer fresh', async () => {
    const { server, leaf } = await openResponder({ nextUpdate: hoursFromNow(100) });
    const clock = new TestClock();
    const source = openSource({ clock });
    await check(source, leaf);
    clock.time = hoursFromNow(0.9);
    await check(source, leaf);
    expect(server.requests).toHaveLength(1);
    clock.time = hoursFromNow(1);
    await check(source, leaf);
    expect(server.requests).toHaveLength(2);
  });

  it('is used until its end when it cannot be fetched again', async () => {
    const { server, leaf } = await openResponder({ nextUpdate: hoursFromNow(3) });
    const clock = new TestClock();
    const source = openSource({ clock });
    await check(source, leaf);
    server.routes.clear();
    clock.time = hoursFromNow(3);
    expect((await check(source, leaf)).kind).toBe('good');
    clock.time = hoursFromNow(3.1);
    expectUnknown(await check(source, leaf), 'revocation_unreachable');
  });

  it('is not replaced by what is older', async () => {
    const good = { status: 'good', thisUpdate: hoursFromNow(-2) } as const;
    const { server, leaf } = await openResponder({
      status: 'revoked',
      nextUpdate: hoursFromNow(9),
    });
    const clock = new TestClock();
    const source = openSource({ clock });
    expect((await check(source, leaf)).kind).toBe('revoked');
    const replay = { now: NOW, nextUpdate: hoursFromNow(9), ...good };
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, replay)));
    clock.time = hoursFromNow(2);
    expect((await check(source, leaf)).kind).toBe('revoked');
    expect(server.requests).toHaveLength(2);
  });

  it('is not tried for again shortly after a failure', async () => {
    const { server, leaf } = await openCrl(serveStatus(500));
    const clock = new TestClock();
    const source = openSource({ clock });
    await check(source, leaf);
    server.routes.set('/1.crl', serveBytes(CRL));
    expectUnknown(await check(source, leaf), 'revocation_unreachable');
    expect(server.requests).toHaveLength(1);
    clock.time = new Date(NOW.getTime() + 15_000);
    expect((await check(source, leaf)).kind).toBe('good');
  });

  it.each([
    ['OCSP', openResponder],
    ['CRL', openCrl],
  ] as const)('is tried for less often by the patient: %s', async (_, open) => {
    const { server, leaf } = await open();
    server.routes.clear();
    const clock = new TestClock();
    const source = openSource({ clock });
    const askedAfter = async (seconds: number, isPatient: boolean) => {
      clock.time = new Date(clock.time.getTime() + seconds * 1000);
      await source.check(chainOf(leaf), { isPatient }, NEVER);
      return server.requests.length;
    };
    expect(await askedAfter(0, true)).toBe(1);
    expect(await askedAfter(20, true)).toBe(1);
    expect(await askedAfter(0, false)).toBe(2);
  });

  it('says when it is asked for anew, which is within the last hour', async () => {
    for (const { leaf } of [await openResponder(), await openCrl()]) {
      const status = await check(openSource(), leaf);
      if (status.kind !== 'good') throw new TypeError('expected a good status');
      const { validUntil, renewAt } = status;
      const endMs = validUntil?.getTime() ?? NaN;
      expect(renewAt?.getTime()).toBeLessThanOrEqual(endMs);
      expect(renewAt?.getTime()).toBeGreaterThanOrEqual(endMs - 3_600_000);
    }
  });

  it.each([
    ['base', 3, 9],
    ['delta', 9, 3],
  ])('is asked for anew when the first of it ends: the %s', async (_, baseHours, deltaHours) => {
    const { server, leaf } = await openCrl();
    const [base, delta] = [baseHours, deltaHours].map((hours) => {
      return { now: NOW, nextUpdate: hoursFromNow(hours) };
    });
    const freshest = [`${server.url}/delta.crl`];
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { ...base, freshest })));
    const changes = mintCrl(ISSUER, { ...delta, deltaBase: 10, number: 11 });
    server.routes.set('/delta.crl', serveBytes(changes));
    expectRenewal(await check(openSource(), leaf), 3);
  });

  it.each([
    ['first', 3, 9],
    ['last', 9, 3],
  ])('is asked for anew when one point’s CRL ends: the %s', async (_, ...hours) => {
    const server = await openEvidenceServer();
    const leaf = issueNaming([], [[`${server.url}/0.crl`], [`${server.url}/1.crl`]]);
    for (const [index, count] of hours.entries()) {
      const crl = mintCrl(ISSUER, { now: NOW, nextUpdate: hoursFromNow(count) });
      server.routes.set(`/${index}.crl`, serveBytes(crl));
    }
    expectRenewal(await check(openSource(), leaf), 3);
  });

  it('is kept on disk for the next process', async () => {
    const cacheDir = await openFolder();
    const { server, leaf } = await openCrl();
    expect((await check(openSource({ cacheDir }), leaf)).kind).toBe('good');
    const loaded = await check(openSource({ cacheDir }), leaf);
    expect(loaded.kind).toBe('good');
    expect(loaded).not.toHaveProperty('carriedOf');
    expect(server.requests).toHaveLength(1);
  });
});

// OCSP responses in bundles: asked for when one is written, and used in their responders' stead.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../agent/commands/bundle.ts';
import { verify } from '../../agent/commands/verify.ts';
import { createCa } from '../support/ca.ts';
import { mintCrl } from '../support/crl.ts';
import { openEvidenceHost } from '../support/evidence-host.ts';
import { runCommand, temporaryDirectory } from '../support/front-door.ts';
import { mintOcspDelegate, mintOcspResponse, type OcspOptions } from '../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../support/ocsp-server.ts';
import { startTestRegistry } from '../support/registry.ts';
import { type EnvelopeOptions, MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { createTsa } from '../support/tsa.ts';

const ca = createCa({ name: 'Bundled' });

/** A registry with so many images that a signer signed, and a command that bundles them all. */
async function open(envelope: Pick<EnvelopeOptions, 'signer' | 'timestampToken'>, count = 1) {
  const registry = await startTestRegistry();
  onTestFinished(() => registry.close());
  const names = Array.from({ length: count }, (_, number) => {
    const target = registry.pushImage('team/app', `v${number}`, String(number));
    const signature = signEnvelope({ format: 'cose', target, ...envelope });
    registry.attachSignature('team/app', target, signature, MEDIA_TYPES.cose);
    return `${registry.host}/team/app:v${number}`;
  });
  const output = join(temporaryDirectory(), 'bundle');
  return async (...args: readonly string[]) => {
    const all = ['--output', output, '--format', 'json', ...names, ...args];
    const { code, stdout } = await runCommand(bundle, all);
    const { ocsp, crls, faults } = JSON.parse(stdout) as Record<string, unknown[]>;
    return { code, ocsp, crls, faults };
  };
}

/** A leaf, and a responder that answers on it. */
async function openResponder(options: OcspOptions = {}) {
  const server = await openEvidenceServer();
  const signer = ca.issue({ ocspUrl: `${server.url}/ocsp` });
  server.routes.set('/ocsp', serveBytes(mintOcspResponse(signer, ca.issuer, options)));
  return { server, signer };
}

describe('an OCSP response in a bundle', () => {
  it.each([
    [true, 0, 'verified', 'good'],
    [false, 1, 'certificate_revoked', 'revoked'],
  ])('decides without its responder: good %s', async (isGood, code, reason, status) => {
    const directory = temporaryDirectory();
    const { image, server, asked } = await openEvidenceHost(directory, 'ocsp', isGood);
    const output = join(directory, 'bundle');
    const written = await runCommand(bundle, ['--output', output, image.name]);
    expect(written.code).toBe(0);
    expect(written.stdout).toMatch(new RegExp(`"CN=leaf,.*"  ${status} by OCSP until 2\\S+Z\n`));
    expect(written.stdout).toMatch(/: 1 image, 0 CRLs, 1 OCSP response\n$/);
    server?.routes.clear();
    const before = asked();
    const [policy, truststore] = ['policy.json', 'truststore'].map((name) => join(directory, name));
    const options = [`--policy=${policy}`, `--truststore=${truststore}`, '--output=json'];
    const without = await runCommand(verify, [image.name, ...options]);
    expect(without.stdout).toContain('revocation_unreachable');
    const withBundle = await runCommand(verify, [image.name, ...options, '--bundle', output]);
    expect([withBundle.code, JSON.parse(withBundle.stdout)]).toMatchObject([code, { reason }]);
    if (isGood) expect(withBundle.stdout).toContain('1 good by OCSP (carried in, of 2');
    expect(asked()).toBe(before + 1);
  });

  it.each<[string, OcspOptions, string]>([
    ['that does not know', { status: 'unknown' }, 'revocation_unknown'],
    ['without an end', { nextUpdate: null }, 'revocation_evidence_invalid'],
    ['of somebody else', { signer: createCa().issuer }, 'revocation_evidence_invalid'],
  ])('%s is told, and not in it', async (_, options, code) => {
    const { signer } = await openResponder(options);
    const write = await open({ signer });
    expect(await write()).toMatchObject({ code: 1, ocsp: [], faults: [{ code }] });
  });

  it('is asked for once, however many images need it, also where the responder is down', async () => {
    const { server, signer } = await openResponder();
    const write = await open({ signer }, 3);
    expect(await write()).toMatchObject({ code: 0, ocsp: [{ status: 'good' }], faults: [] });
    expect(server.requests).toHaveLength(1);
    server.routes.clear();
    expect(await write()).toMatchObject({ code: 1, ocsp: [], faults: [{}] });
    expect(server.requests).toHaveLength(2);
  });

  it('by a delegate comes with the CRL that says whether it may still answer', async () => {
    const crls = await openEvidenceServer();
    const address = `${crls.url}/delegates`;
    crls.routes.set('/delegates', serveBytes(mintCrl(ca.issuer)));
    const { server, signer } = await openResponder();
    const delegate = mintOcspDelegate(ca.issuer, { extensions: [], crlUrl: address });
    const response = mintOcspResponse(signer, ca.issuer, { signer: delegate });
    server.routes.set('/ocsp', serveBytes(response));
    const write = await open({ signer });
    expect(await write()).toMatchObject({ code: 0, ocsp: [{}], crls: [{ address }] });
  });

  it('on an authority on time needs its issuer, which the trust stores may have', async () => {
    const server = await openEvidenceServer();
    const tsa = createTsa({ signer: { ocspUrl: `${server.url}/tsa` } });
    server.routes.set('/tsa', serveBytes(mintOcspResponse(tsa.signer, tsa.issuer)));
    const timestampToken = (signature: Uint8Array) => tsa.stamp(signature);
    const write = await open({ signer: ca.issue(), timestampToken });
    const without = await write();
    expect(without).toMatchObject({ code: 1, ocsp: [], faults: [{ code: 'revocation_unknown' }] });
    expect(server.requests).toEqual([]);
    const trust = temporaryDirectory();
    mkdirSync(join(trust, 'x509/tsa/clock'), { recursive: true });
    writeFileSync(join(trust, 'x509/tsa/clock/root.pem'), tsa.root.pem);
    const found = await write('--truststore', trust);
    expect(found).toMatchObject({ code: 0, ocsp: [{ status: 'good' }], faults: [] });
  });
});

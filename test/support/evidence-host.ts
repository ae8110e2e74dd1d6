// A host on which an image can only be judged by evidence: OCSP, a CRL, a timestamp or a plugin, good or against it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ErrorCode } from '../../agent/errors.ts';
import { createCa } from './ca.ts';
import type { TestCertificate } from './certificate.ts';
import type { PulledImage } from './compiled-verifier.ts';
import { mintCrl } from './crl.ts';
import { mintOcspResponse, serialOf } from './ocsp.ts';
import { type EvidenceServer, openEvidenceServer, serveBytes } from './ocsp-server.ts';
import { startTestRegistry } from './registry.ts';
import { type EnvelopeOptions, MEDIA_TYPES, signEnvelope } from './sign-envelope.ts';
import { documentOf, statement, type StatementJson } from './trust-policy.ts';
import { createTsa } from './tsa.ts';
import { installPlugin, PLUGIN_NAME } from './verification-plugin.ts';

/** What a signature is made of, and what is on the host for it. */
interface Signed {
  readonly envelope: Partial<EnvelopeOptions> & Pick<EnvelopeOptions, 'signer'>;
  /** Beside the CA. */
  readonly tsa?: TestCertificate;
  /** What the evidence was asked for so far: requests, or runs of the plugin. */
  readonly asked: () => number;
  readonly server?: EvidenceServer;
}

export interface EvidenceHost extends Pick<Signed, 'asked' | 'server'> {
  readonly image: PulledImage;
}

type Prepare = (directory: string, isGood: boolean, origin?: string) => Promise<Signed> | Signed;

const ca = createCa({ name: 'Evidence' });
const tsa = createTsa();
const otherTsa = createTsa({ name: 'Other TSA' });
/** Valid when stamps are made, and not any more. */
const expired = ca.issue({ notAfter: new Date('2026-01-03T00:00:00Z') });
const PLUGIN = 'io.cncf.notary.verificationPlugin';

const EVIDENCE: Readonly<Record<string, Prepare>> = {
  async ocsp(_, isGood, origin) {
    const server = await openEvidenceServer();
    const signer = ca.issue({ ocspUrl: `${origin ?? server.url}/ocsp` });
    const status = isGood ? 'good' : 'revoked';
    server.routes.set('/ocsp', serveBytes(mintOcspResponse(signer, ca.issuer, { status })));
    return { envelope: { signer }, server, asked: () => server.requests.length };
  },
  async crl(_, isGood, origin) {
    const server = await openEvidenceServer();
    const signer = ca.issue({ crlUrl: `${origin ?? server.url}/crl` });
    const entries = isGood ? [] : [{ serialNumber: serialOf(signer) }];
    server.routes.set('/crl', serveBytes(mintCrl(ca.issuer, { entries })));
    return { envelope: { signer }, server, asked: () => server.requests.length };
  },
  timestamp(_, isGood) {
    let asked = 0;
    const timestampToken = (signature: Uint8Array) => {
      asked++;
      return (isGood ? tsa : otherTsa).stamp(signature);
    };
    return { envelope: { signer: expired, timestampToken }, tsa: tsa.root, asked: () => asked };
  },
  plugin(directory, isGood) {
    const finding = { success: isGood, reason: 'so it says' };
    const verificationResults = {
      'SIGNATURE_VERIFIER.TRUSTED_IDENTITY': finding,
      'SIGNATURE_VERIFIER.REVOCATION_CHECK': finding,
    };
    const plugin = installPlugin(join(directory, 'plugins'), {
      verify: { kind: 'answer', members: { verificationResults } },
    });
    const attributes = new Map([[PLUGIN, PLUGIN_NAME]]);
    const crit = ['io.cncf.notary.signingScheme', PLUGIN];
    const envelope = { signer: ca.issue(), attributes, crit };
    return { envelope, asked: () => plugin.calls().length };
  },
};

/** Kinds of evidence, and why an image is refused for which it is not good. */
export const EVIDENCE_KINDS: readonly (readonly [kind: string, refused: ErrorCode])[] = [
  ['ocsp', 'certificate_revoked'],
  ['crl', 'certificate_revoked'],
  ['timestamp', 'timestamp_untrusted'],
  ['plugin', 'plugin_refused'],
];

/**
 * Writes `policy.json`, `truststore` and `plugins` below `directory`, strict unless that is
 * changed, and starts a registry with the signed image and whoever has the evidence. Whatever runs
 * ends with the test. Certificates name `origin` instead of the server that has the evidence, if it is given.
 */
export async function openEvidenceHost(
  directory: string,
  kind: string,
  isGood: boolean,
  changes: StatementJson = {},
  origin?: string,
): Promise<EvidenceHost> {
  const prepare = EVIDENCE[kind];
  if (prepare === undefined) throw new TypeError(`no evidence of the kind ${kind}`);
  const { envelope, tsa: authority, ...rest } = await prepare(directory, isGood, origin);
  const registry = await startTestRegistry();
  onTestFinished(() => registry.close());
  const descriptor = registry.pushImage('team/app', 'v1');
  const signature = signEnvelope({ format: 'cose', target: descriptor, ...envelope });
  registry.attachSignature('team/app', descriptor, signature, MEDIA_TYPES.cose);
  const policy = statement({
    registryScopes: [`${registry.host}/team/app`],
    trustStores: ['ca:acme', ...(authority === undefined ? [] : ['tsa:time'])],
    trustedIdentities: ['*'],
    ...changes,
  });
  await writeFile(join(directory, 'policy.json'), documentOf([policy]));
  await writeStore(directory, 'ca/acme', ca.root);
  if (authority !== undefined) await writeStore(directory, 'tsa/time', authority);
  return { image: { name: `${registry.host}/team/app:v1`, descriptor }, ...rest };
}

async function writeStore(directory: string, name: string, root: TestCertificate): Promise<void> {
  const folder = join(directory, 'truststore/x509', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'root.pem'), root.pem);
}

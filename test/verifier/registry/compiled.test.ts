// The client as the pull verifier has it: bundled by esbuild, compiled by Bun, started without an environment.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeArguments, ProbeResult } from '../../support/registry/probe.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';
import {
  SIGNATURE_TYPE,
  TEST_CREDENTIAL,
  type TestRegistryOptions,
} from '../../support/registry.ts';
import { openRawServer, openRegistry } from './fixture.ts';

const run = promisify(execFile);
const PROBE = fileURLToPath(new URL('../../support/registry/probe.ts', import.meta.url));
const BUN = fileURLToPath(new URL('../../../node_modules/.bin/bun', import.meta.url));

let directory = '';
let program = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodeseal-probe-'));
  const bundle = join(directory, 'probe.cjs');
  program = join(directory, 'probe');
  // Bun has a stand-in for undici that ignores CAs: it must not find the import.
  await build({
    entryPoints: [PROBE],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
  await run(BUN, ['build', '--compile', '--bytecode', bundle, '--outfile', program]);
}, 60_000);

afterAll(() => rm(directory, { recursive: true, force: true }));

async function probe(given: Partial<ProbeArguments>): Promise<ProbeResult> {
  const defaults = { artifactType: SIGNATURE_TYPE, plainHttp: false, timeoutMs: 10_000 };
  const argument = JSON.stringify({ ...defaults, ...given });
  const { stdout } = await run(program, [argument], { env: {}, cwd: '/' });
  return JSON.parse(stdout) as ProbeResult;
}

async function openSigned(options: TestRegistryOptions) {
  const registry = await openRegistry(options);
  const image = registry.pushImage('team/app');
  for (const content of ['first', 'second']) {
    const envelope = Buffer.from(content);
    registry.attachSignature('team/app', image, envelope, 'application/jose+json');
  }
  return { registry, image: `${registry.host}/team/app@${image.digest}` };
}

const digestTag = (image: string) => image.slice(image.indexOf('@') + 1).replace(':', '-');

const SIGNED = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  manifests: [expect.stringContaining(SIGNATURE_TYPE), expect.stringContaining(SIGNATURE_TYPE)],
};

describe('the compiled client', () => {
  const ours = mintServerCertificate('Ours');
  const theirs = mintServerCertificate('Theirs');

  it('trusts a registry of the CA it was given', async () => {
    const { registry, image } = await openSigned({ tls: ours });
    expect(await probe({ image, ca: ours.ca })).toEqual(SIGNED);
    // One to ask, and one more for the second manifest at the same time.
    expect(registry.connections).toBeLessThanOrEqual(2);
  });

  it('refuses a registry of another CA, or of none that it knows', async () => {
    const { registry, image } = await openSigned({ tls: ours });
    const refused = { code: 'registry_unreachable' };
    expect(await probe({ image, ca: theirs.ca })).toMatchObject(refused);
    expect(await probe({ image })).toMatchObject(refused);
    expect(registry.requests).toEqual([]);
  });

  it('gets a token and reads the tag over plain HTTP', async () => {
    const { registry, image } = await openSigned({ auth: 'bearer', referrers: false });
    const given = { image, plainHttp: true, credential: TEST_CREDENTIAL };
    expect(await probe(given)).toEqual(SIGNED);
    // HEAD, token, HEAD, referrers, tag, and two manifests.
    expect(registry.requests).toHaveLength(7);
  });

  it('refuses content that is not what was asked for', async () => {
    const { registry, image } = await openSigned({});
    registry.intercept = ({ path }, response) => {
      if (path.includes('/manifests/')) return false;
      return response.writeHead(404).end().writableEnded;
    };
    registry.pushManifest('team/app', {}, { tag: digestTag(image) });
    const found = await probe({ image, plainHttp: true });
    expect(found).toMatchObject({ code: 'content_mismatch' });
  });

  it('ends at its deadline when a registry does not answer', async () => {
    const silent = await openRawServer(() => undefined);
    const image = `${silent}/team/app@sha256:${'0'.repeat(64)}`;
    const found = await probe({ image, plainHttp: true, timeoutMs: 100 });
    expect(found).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('says so when a registry speaks plain HTTP', async () => {
    const { image } = await openSigned({});
    const found = await probe({ image });
    expect(found).toMatchObject({ code: 'registry_unreachable' });
  });

  it('says that nobody listens', async () => {
    const { registry, image } = await openSigned({});
    await registry.close();
    const found = await probe({ image, plainHttp: true });
    expect(found).toMatchObject({ code: 'registry_unreachable' });
  });
});

// The client as the pull verifier has it: bundled by esbuild, compiled by Bun, started without an environment.
import { text } from 'node:stream/consumers';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import type { ProbeArguments, ProbeResult } from '../../support/registry/probe.ts';
import {
  mintClientCertificate,
  startMutualTls,
} from '../../support/registry/client-certificate.ts';
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

async function probe(
  given: Partial<ProbeArguments>,
  env: Readonly<Record<string, string>> = {},
): Promise<ProbeResult> {
  const defaults = { artifactType: SIGNATURE_TYPE, plainHttp: false, timeoutMs: 10_000 };
  const argument = JSON.stringify({ ...defaults, ...given });
  const { stdout } = await run(program, [argument], { env, cwd: '/' });
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

  describe('with hosts.toml', () => {
    /** A folder of hosts.toml files that has this text for the registry. */
    async function hostsDir(host: string, files: Readonly<Record<string, string>>) {
      const root = await mkdtemp(join(directory, 'certs-'));
      await mkdir(join(root, host));
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(root, host, name), text);
      }
      return root;
    }

    it('trusts the CA that it names, or no certificate where it says so', async () => {
      const { registry, image } = await openSigned({ tls: ours });
      const toml = `server = "https://${registry.host}"\n`;
      for (const [line, ca] of [
        ['ca = "ca.pem"', ours.ca],
        ['skip_verify = true', theirs.ca],
      ] as const) {
        const files = { 'hosts.toml': toml + line, 'ca.pem': ca };
        expect(await probe({ image, hostsDir: await hostsDir(registry.host, files) })).toEqual(
          SIGNED,
        );
      }
      const bad = { 'hosts.toml': `${toml}ca = "ca.pem"`, 'ca.pem': theirs.ca };
      expect(await probe({ image, hostsDir: await hostsDir(registry.host, bad) })).toMatchObject({
        code: 'registry_unreachable',
      });
    });

    it('shows the certificate that it names', async () => {
      const { registry, image } = await openSigned({});
      const client = mintClientCertificate('Clients');
      const front = await startMutualTls(registry.host, ours, client.ca);
      onTestFinished(() => front.close());
      const named = image.replace(registry.host, front.host);
      const files = {
        'hosts.toml': 'client = [["client.pem", "client.key"]]\nca = "ca.pem"',
        ...{ 'ca.pem': ours.ca, 'client.pem': client.certificate, 'client.key': client.key },
      };
      const roots = await hostsDir(front.host, files);
      expect(await probe({ image: named, hostsDir: roots })).toEqual(SIGNED);
      const stranger = mintClientCertificate('Strangers');
      const other = { 'client.pem': stranger.certificate, 'client.key': stranger.key };
      for (const bad of [
        { ...files, ...other },
        { ...files, 'hosts.toml': 'ca = "ca.pem"' },
      ]) {
        const found = await probe({ image: named, hostsDir: await hostsDir(front.host, bad) });
        expect(found).toMatchObject({ code: 'registry_unreachable' });
      }
    });

    it('asks the mirror, and the registry for what the mirror does not have', async () => {
      const { registry, image } = await openSigned({});
      const mirror = await openRegistry();
      mirror.pushImage('team/app');
      const files = { 'hosts.toml': `[host."${mirror.url}".header]\nx-team = "a"\n` };
      expect(await probe({ image, hostsDir: await hostsDir(registry.host, files) })).toEqual(
        SIGNED,
      );
      expect(mirror.requests[0]).toMatchObject({ method: 'HEAD', headers: { 'x-team': 'a' } });
    });

    it('says what cannot be used', async () => {
      const { registry, image } = await openSigned({});
      const files = { 'hosts.toml': 'ca = "absent.pem"' };
      const found = await probe({ image, hostsDir: await hostsDir(registry.host, files) });
      expect(found).toMatchObject({ code: 'registry_hosts_invalid' });
    });
  });

  describe('with proxies in its environment', () => {
    /** A registry by a name that only the proxy knows. */
    async function openBehind(options: TestRegistryOptions) {
      const world = await openSigned(options);
      const proxy = await startForwardProxy({
        credentials: 'me:secret',
        upstream: world.registry.host,
      });
      onTestFinished(() => proxy.close());
      const url = new URL(proxy.url);
      [url.username, url.password] = ['me', 'secret'];
      const name = 'registry.invalid:5000';
      return { ...world, proxy, url, image: world.image.replace(world.registry.host, name) };
    }

    it('goes through them over plain HTTP', async () => {
      const { proxy, url, image } = await openBehind({});
      expect(await probe({ image, plainHttp: true }, { http_proxy: url.href })).toEqual(SIGNED);
      expect(proxy.requests[0]).toMatch(/^HEAD http:\/\/registry\.invalid:5000\/v2\//);
    });

    it('goes through them by a tunnel, and trusts them with nothing', async () => {
      const { proxy, url, image } = await openBehind({ tls: ours });
      const found = await probe({ image, ca: ours.ca }, { HTTPS_PROXY: url.href });
      // The certificate is for another name than that of the registry.
      expect(found).toMatchObject({ code: 'registry_unreachable' });
      expect(proxy.requests[0]).toBe('CONNECT registry.invalid:5000');
    });

    it('leaves them out by Go’s rules, and for this machine always', async () => {
      const { registry, image } = await openSigned({});
      const dead = { HTTP_PROXY: 'http://127.0.0.1:1' };
      expect(await probe({ image, plainHttp: true }, dead)).toEqual(SIGNED);
      expect(registry.requests).not.toEqual([]);
      const behind = await openBehind({});
      const excepted = { HTTP_PROXY: behind.url.href, NO_PROXY: '.invalid:5000' };
      expect(await probe({ image: behind.image, plainHttp: true }, excepted)).toMatchObject({
        code: 'registry_unreachable',
      });
      expect(behind.proxy.requests).toEqual([]);
    });
  });

  it('gets a token and reads the tag over plain HTTP', async () => {
    const { registry, image } = await openSigned({ auth: 'bearer', referrers: false });
    const given = { image, plainHttp: true, credential: TEST_CREDENTIAL };
    expect(await probe(given)).toEqual(SIGNED);
    // HEAD, token, HEAD, referrers, tag, and two manifests.
    expect(registry.requests).toHaveLength(7);
  });

  it('gives what tells who it is to the token service in the body of a request', async () => {
    const { registry, image } = await openSigned({ auth: 'bearer', referrers: false });
    const bodies: string[] = [];
    registry.intercept = ({ method, path }, response) => {
      if (method !== 'POST') return false;
      void text(response.req).then((body) => {
        bodies.push(body);
        response.writeHead(path === '/token' ? 403 : 404).end();
      });
      return true;
    };
    const credential = { kind: 'identity_token', token: 'refresh', source: 'provider' } as const;
    const found = await probe({ image, plainHttp: true, credential });
    expect(found).toMatchObject({ code: 'registry_denied' });
    expect(new URLSearchParams(bodies[0]).get('refresh_token')).toBe('refresh');
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

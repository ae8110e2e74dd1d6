// The image as it is built: twice the same, with nothing in it that it does not need, for this architecture and the other.
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { addedBytes, type Archive, readArchive, unpackRoot } from '../../hack/image/archive.ts';
import { billOfMaterials } from '../../hack/release/sbom.ts';
import { shippedPackages } from '../../hack/release/packages.ts';
import { MAX_ADDED_MB } from '../../hack/benchmarks/image.ts';
import {
  agentVersion,
  type Architecture,
  BUILD_TIMEOUT_MS,
  buildAgentImage,
  OWN_ARCHITECTURE,
} from '../support/agent-image.ts';
import { createCa } from '../support/ca.ts';
import { DESCRIPTOR_TYPE, type PulledImage } from '../support/compiled-verifier.ts';
import { startTestRegistry } from '../support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { describeOnNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const OTHER: Architecture = OWN_ARCHITECTURE === 'amd64' ? 'arm64' : 'amd64';
/** Of Debian's qemu-user: runs one program of another architecture. */
const EMULATORS = { amd64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' };
const EMULATED_MS = 60_000;
const BYTES_PER_MB = 1_000_000;

describeOnNode('the image of the agent', () => {
  let own: Archive;
  let again: Archive;
  let other: Archive;
  let ownFile: string;
  let againFile: string;
  let otherFile: string;

  beforeAll(async () => {
    ownFile = await buildAgentImage();
    own = await readArchive(ownFile);
    const created = own.labels['org.opencontainers.image.created'] ?? '';
    const environment = {
      SOURCE_DATE_EPOCH: String(Date.parse(created) / 1000),
      REVISION: own.labels['org.opencontainers.image.revision'] ?? '',
    };
    [againFile, otherFile] = await Promise.all([
      buildAgentImage({ file: 'image-again.tar', environment }),
      buildAgentImage({ architecture: OTHER, file: `image-${OTHER}.tar` }),
    ]);
    [again, other] = await Promise.all([readArchive(againFile), readArchive(otherFile)]);
  }, BUILD_TIMEOUT_MS);

  it('has the same digest when it is built again from nothing', () => {
    expect(own.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(again.digest).toBe(own.digest);
  });

  it('says what it is, of which version and of which commit', async () => {
    expect([own.architecture, other.architecture]).toEqual([OWN_ARCHITECTURE, OTHER]);
    for (const { labels, config } of [own, other]) {
      expect(labels).toMatchObject({
        'org.opencontainers.image.title': 'nodeseal',
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.version': await agentVersion(),
        'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$/) as string,
        'org.opencontainers.image.source': expect.stringMatching(/^https:/) as string,
      });
      expect(config).toMatchObject({
        ...{ Entrypoint: ['tini', '--', 'nodeseal'], Cmd: ['run'], User: '0:0' },
      });
    }
  });

  describe.each([OWN_ARCHITECTURE, OTHER])('for %s', (architecture) => {
    const archive = () => (architecture === OTHER ? other : own);

    it(`adds at most ${MAX_ADDED_MB} MB to its base`, () => {
      const added = [...addedBytes(archive()).values()].reduce((sum, bytes) => sum + bytes, 0);
      expect(added / BYTES_PER_MB).toBeLessThan(MAX_ADDED_MB);
      expect(added / BYTES_PER_MB).toBeGreaterThan(MAX_ADDED_MB / 2);
    });

    it('has no shell, no package manager and no tools to build with', () => {
      const programs = archive()
        .layers.flatMap(({ files }) => files)
        .filter(({ path }) => /(?:^|\/)s?bin\/[^/]+$/.test(path))
        .map(({ path }) => path.replace(/^.*\//, ''));
      expect(programs.sort()).toEqual([
        ...['chroot', 'env', 'flock', 'journalctl', 'node', 'nodeseal', 'tini'],
      ]);
    });

    it('has files of root alone that nobody else may write to, all of one time', () => {
      const added = archive().layers.at(-1)?.files ?? [];
      const created = archive().labels['org.opencontainers.image.created'];
      for (const { path, mode, owner, time } of added) {
        expect([path, owner]).toEqual([path, '0/0']);
        expect([path, new Date(`${time}Z`).toISOString()]).toEqual([
          path,
          new Date(created ?? '').toISOString(),
        ]);
        if (!mode.startsWith('l')) expect([path, mode]).toEqual([path, SAFE_MODE]);
      }
      expect(added.length).toBeGreaterThan(0);
    });
  });

  it('has a bill of materials that names all that it adds, the same of the same image', async () => {
    const [bill, second] = await Promise.all([ownFile, againFile].map(billOfMaterials));
    expect(second).toEqual(bill);
    expect(bill).toMatchObject({
      ...{ bomFormat: 'CycloneDX', specVersion: '1.5' },
      serialNumber: expect.stringMatching(
        /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      ) as string,
      metadata: {
        timestamp: own.labels['org.opencontainers.image.created'],
        component: { type: 'container', name: 'nodeseal', version: await agentVersion() },
      },
    });
    const components = bill?.components ?? [];
    const urls = components.map(({ purl }) => purl);
    expect(new Set(urls).size).toBe(urls.length);
    for (const { name, version } of shippedPackages()) {
      expect(urls).toContain(`pkg:npm/${name.replace('@', '%40')}@${version}`);
    }
    const paths = new Set(own.layers.at(-1)?.files.map(({ path }) => path));
    const records = [...paths].filter((path) => /^var\/lib\/dpkg\/status\.d\/./.test(path));
    expect(records.length).toBeGreaterThan(10);
    for (const record of records) {
      const name = record.replace(/^.*\//, '');
      expect(urls.some((url) => url.startsWith(`pkg:deb/debian/${name}@`))).toBe(true);
      expect(paths).toContain(`usr/share/doc/${name}/copyright`);
    }
    for (const terms of ['LICENSE', 'THIRD-PARTY-LICENSES']) {
      expect(paths).toContain(`usr/lib/nodeseal/${terms}`);
    }
  });

  describe(`for ${OTHER}, emulated`, () => {
    let root: string;

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'nodeseal-other-'));
      await unpackRoot(otherFile, root);
      await copyFile(`/usr/bin/${EMULATORS[OTHER]}`, join(root, 'emulator'));
      return () => rm(root, { recursive: true });
    });

    it('runs the agent', async () => {
      const program = ['/nodejs/bin/node', '/usr/lib/nodeseal/nodeseal.js', 'version'];
      const { code, stdout, stderr } = await emulate(root, program);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`nodeseal ${await agentVersion()}`);
    });

    it.each([
      ['/usr/bin/journalctl', '--version'],
      ['/usr/bin/flock', '--version'],
      ['/usr/bin/env', '--version'],
      ['/usr/bin/tini', '--version'],
      ['/usr/sbin/chroot', '--version'],
    ])('runs %s', async (...command) => {
      const { code, stderr } = await emulate(root, command);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });

    it('judges a signed image and an unsigned one by the pull verifier', async () => {
      const registry = await startTestRegistry();
      try {
        const [signed, unsigned] = ['signed', 'unsigned'].map((content) => ({
          name: `${registry.host}/team/app:${content}`,
          descriptor: registry.pushImage('team/app', content, content),
        })) as [PulledImage, PulledImage];
        const ca = createCa();
        const envelope = signEnvelope({
          ...{ format: 'cose', signer: ca.issue(), target: signed.descriptor },
        });
        registry.attachSignature('team/app', signed.descriptor, envelope, MEDIA_TYPES.cose);
        await trust(root, `${registry.host}/team/app`, ca.root.pem);
        expect(await judge(root, signed)).toMatchObject({
          ...{ code: 0, stdout: expect.stringContaining('allow: verified') as string },
        });
        expect(await judge(root, unsigned)).toMatchObject({
          ...{ code: 1, stdout: expect.stringContaining('deny: signature_missing') as string },
        });
      } finally {
        await registry.close();
      }
    });
  });
});

/** Neither set-id nor writable but by its owner. */
const SAFE_MODE = expect.stringMatching(/^[-d]r[w-][x-]r-[x-]r-[x-]$/) as string;

function judge(root: string, { name, descriptor }: PulledImage) {
  const flags = ['-name', name, '-digest', descriptor.digest, '-stdin-media-type', DESCRIPTOR_TYPE];
  const program = ['/usr/lib/nodeseal/nodeseal-verifier', ...flags];
  return emulate(root, program, `${JSON.stringify(descriptor)}\n`);
}

async function trust(root: string, scope: string, pem: string): Promise<void> {
  const policy = statement({
    registryScopes: [scope],
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustedIdentities: ['*'],
  });
  await put(`${root}/etc/containerd/notation-policy.json`, documentOf([policy]));
  await put(`${root}/etc/containerd/notation/truststore/x509/ca/acme/root.pem`, pem);
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

const IN_ROOT = 'mount --rbind /proc "$1/proc"; exec chroot "$@"';

/** Runs one program in the image's root; it can start no other. */
async function emulate(root: string, command: readonly string[], stdin = '') {
  const words = ['--mount', 'sh', '-euc', IN_ROOT, 'in-root', root, '/emulator', ...command];
  const child = spawn('unshare', words, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    timeout: EMULATED_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const code = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

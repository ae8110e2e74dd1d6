// hack/ci-sign-image with the real notation and a registry: what it signs a node lets in, and what is wrong it tells loudly.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { AGENT_BINDS, nodeseal } from '../support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { createSigningKey, type SigningKey, writeTruststore } from '../support/node-signatures.ts';
import { ROOT, temporaryDirectory } from '../support/front-door.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import { createTsa } from '../support/tsa.ts';
import { startTsaServer } from '../support/tsa-server.ts';

const SCRIPT = '/usr/local/bin/ci-sign-image';
const NODESEAL =
  '/usr/local/bin/node --disable-warning=ExperimentalWarning /usr/local/lib/nodeseal/nodeseal.js';
const TRUST = '/srv/trust';
/** Of a loaded machine. */
const BUILD_MS = 120_000;

describeOnNode('hack/ci-sign-image', () => {
  let node: TestNode;
  let registry: Registry;
  let key: SigningKey;
  let stranger: SigningKey;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      registry = await startRegistry(node, 'crane');
      await node.writeFile(SCRIPT, await readFile(join(ROOT, 'hack/ci-sign-image')), 0o755);
      key = await createSigningKey(node, 'acme', 'p-256');
      stranger = await createSigningKey(node, 'stranger', 'p-256');
      await writeTruststore(node, 'acme', [key], TRUST);
      await writePolicy('policy.json', {});
    } catch (error) {
      await node.stop();
      throw error;
    }
    return () => node.stop();
  });

  it('signs what is in the registry, by its digest, and prints that', async () => {
    const image = await pushImage(registry, 'app', { tag: 'v1' });
    const { code, stdout, stderr } = await signImage(image, ['--key', 'acme']);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: `${image.pinned}\n` });
    expect(stderr).toContain('good by notation and by nodeseal, policy statement acme, CN=acme');
    expect((await verify(image)).code).toBe(0);
  });

  it('passes on what notation is to be told, and signs indexes', async () => {
    const image = await pushImage(registry, 'app', { tag: 'index', index: true });
    const options = ['--key', 'acme', '--signature-format', 'cose', '--expiry', '720h'];
    const { code, stdout } = await signImage(image, [...options, '--user-metadata', 'commit=abc']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${image.pinned}\n` });
    const inspected = await node.output([
      'notation',
      'inspect',
      '--insecure-registry',
      image.pinned,
    ]);
    expect(inspected).toContain('application/cose');
    expect(inspected).toContain('commit: abc');
  });

  it('pushes an archive, and signs what it pushed', async () => {
    const source = await pushImage(registry, 'source', { tag: 'v1' });
    const archive = '/srv/image.tar';
    await node.output(['crane', 'pull', '--insecure', source.pinned, archive]);
    const image = { ...source, repository: `${registry.host}/app` };
    const args = ['--archive', archive];
    const { code, stdout } = await signImage(image, ['--key', 'acme'], args, 'archived');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[^@\n]+\/app@sha256:[0-9a-f]{64}\n$/);
    expect((await verify({ ...image, tagged: `${image.repository}:archived` })).code).toBe(0);
  });

  it('signs by a plugin, as for a key that nobody has on disk', async () => {
    const plugin = '/root/.config/notation/plugins/test-kms/notation-test-kms';
    await node.writeFile(plugin, PLUGIN, 0o755);
    const image = await pushImage(registry, 'app', { tag: 'plugin' });
    const options = ['--plugin', 'test-kms', '--id', 'acme', '--plugin-config', 'vault=test'];
    const { code, stdout, stderr } = await signImage(image, options);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: `${image.pinned}\n` });
    expect(await node.output(['cat', '/tmp/plugin-config'])).toContain('"vault":"test"');
  });

  it('has the signature stamped, without which the policy would refuse it', async () => {
    const tsa = createTsa();
    const server = await startTsaServer({ tsa });
    onTestFinished(() => server.close());
    await node.writeFile('/root/tsa.crt', tsa.root.pem);
    await node.writeFile(`${TRUST}/x509/tsa/clock/root.crt`, tsa.root.pem);
    await writePolicy('stamped.json', { stores: ['tsa:clock'] });
    const args = ['--policy', `${TRUST}/stamped.json`];
    const image = await pushImage(registry, 'app', { tag: 'stamped' });
    const bare = await signImage(image, ['--key', 'acme'], args);
    expect({ code: bare.code, stdout: bare.stdout }).toEqual({ code: 1, stdout: '' });
    const stamp = ['--timestamp-url', server.url, '--timestamp-root-cert', '/root/tsa.crt'];
    const { code, stdout, stderr } = await signImage(image, ['--key', 'acme', ...stamp], args);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: `${image.pinned}\n` });
    expect(server.requests).toHaveLength(1);
  });

  it('builds an image, signs what it pushed, and asks no daemon that is not there', async () => {
    const [context, tools] = [temporaryDirectory(), temporaryDirectory()];
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY content /content\n');
    writeFileSync(join(context, 'content'), 'some');
    useNodePrograms(tools, ['notation', 'crane', 'jq']);
    writeFileSync(join(tools, 'docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { code, stdout, stderr } = await buildAndSign(context, tools, 'built');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('with buildah');
    const repository = `${registry.host}/app`;
    const found = (
      await node.output(['crane', 'digest', '--insecure', `${repository}:built`])
    ).trim();
    expect(stdout).toBe(`${repository}@${found}\n`);
    const content = await node.output([
      'crane',
      'export',
      '--insecure',
      `${repository}:built`,
      '-',
    ]);
    expect(content).toContain('some');
    const missing = await buildAndSign(join(context, 'nowhere'), tools, 'missing');
    expect({ code: missing.code, stdout: missing.stdout }).toEqual({ code: 1, stdout: '' });
    expect(missing.stderr.trim().split('\n').at(-1)).toContain('was not built');
  });

  it.each<
    [
      string,
      (image: PushedImage) => Promise<{ code: number; stdout: string; stderr: string }>,
      string,
    ]
  >([
    [
      'a key that nobody trusts',
      (image) => signImage(image, ['--key', stranger.name]),
      'notation refuses',
    ],
    ['a key that is not there', (image) => signImage(image, ['--key', 'nobody']), 'did not sign'],
    [
      'a policy that asks for no signature',
      async (image) => {
        await writePolicy('skip.json', { level: 'skip' });
        return signImage(image, ['--key', 'acme'], ['--policy', `${TRUST}/skip.json`]);
      },
      'but not for its signature: skipped_by_policy',
    ],
    [
      'a policy that is for others',
      async (image) => {
        await writePolicy('others.json', { scope: 'other.example/app' });
        return signImage(image, ['--key', 'acme'], ['--policy', `${TRUST}/others.json`]);
      },
      'notation refuses',
    ],
    [
      'an image that is not there',
      (image) => signImage(image, ['--key', 'acme'], [], 'missing'),
      'is not in the registry',
    ],
  ])('fails loudly for %s', async (_, attempt, message) => {
    const image = await pushImage(registry, 'app', { tag: 'bad' });
    const { code, stdout, stderr } = await attempt(image);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n').at(-1)).toContain(message);
  });

  it.each([
    ['no tag', ['registry.example/app']],
    ['a digest', ['registry.example/app@sha256:abc', 'v1']],
    ['a short name', ['app', 'v1']],
    ['an option that is none', ['--nope', 'registry.example/app', 'v1']],
    ['a trust store that is not there', ['--truststore', '/nowhere', 'registry.example/app', 'v1']],
  ])('does not run with %s', async (_, args) => {
    const { code, stdout } = await node.exec([SCRIPT, '--policy', `${TRUST}/policy.json`, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  function signImage(
    { repository, tagged }: PushedImage,
    options: readonly string[],
    args: readonly string[] = [],
    tag = tagged.slice(repository.length + 1),
  ) {
    const trust = ['--policy', `${TRUST}/policy.json`, '--truststore', TRUST];
    const how = ['--plain-http', '--nodeseal', NODESEAL, ...trust, ...args];
    const words = [SCRIPT, ...how, repository, tag, '--', ...options];
    return node.exec([...words, '--force-referrers-tag=false']);
  }

  /** The node's programs for this machine, which may have an older libc. */
  function useNodePrograms(directory: string, programs: readonly string[]): void {
    const root = node.path('/');
    const [loader = ''] = globSync(`${root}/usr/lib*/ld-linux-*.so.*`);
    const [libraries = ''] = globSync(`${root}/usr/lib/*-linux-gnu`);
    for (const program of programs) {
      const words = [loader, '--library-path', libraries, join(root, 'usr/bin', program)];
      const script = `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`;
      writeFileSync(join(directory, program), script, { mode: 0o755 });
    }
  }

  /** On this machine, where buildah is; with the node's trust, and its key. */
  async function buildAndSign(context: string, tools: string, tag: string) {
    const home = temporaryDirectory();
    const directory = node.path(`/root/.config/notation/localkeys/${key.name}`);
    const own = { name: key.name, keyPath: `${directory}/leaf.key` };
    mkdirSync(join(home, 'notation'));
    writeFileSync(
      join(home, 'notation/signingkeys.json'),
      JSON.stringify({ keys: [{ ...own, certPath: `${directory}/chain.crt` }] }),
      { mode: 0o600 },
    );
    mkdirSync(join(home, 'x509/ca/acme'), { recursive: true });
    writeFileSync(join(home, 'x509/ca/acme/acme.crt'), key.caPem);
    const policy = join(home, 'policy.json');
    writeFileSync(policy, await readFile(node.path(`${TRUST}/policy.json`)));
    const trust = ['--policy', policy, '--truststore', home];
    const words = ['--plain-http', '--build', context, ...trust, `${registry.host}/app`, tag];
    // What is built goes with the test.
    const storage = join(home, 'storage.conf');
    const places = `graphroot = "${home}/images"\nrunroot = "${home}/run"\n`;
    writeFileSync(storage, `[storage]\ndriver = "vfs"\n${places}`);
    const env = {
      ...{ PATH: `${tools}:${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home },
      ...{ XDG_CONFIG_HOME: home, BUILDAH_ISOLATION: 'chroot', CONTAINERS_STORAGE_CONF: storage },
    };
    const child = spawn(
      join(ROOT, 'hack/ci-sign-image'),
      [...words, '--', '--key', key.name, '--force-referrers-tag=false'],
      { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: BUILD_MS },
    );
    const closed = once(child, 'close') as Promise<[number | null]>;
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await closed)[0], stdout, stderr };
  }

  function verify({ tagged }: PushedImage) {
    const trust = ['--policy', `${TRUST}/policy.json`, '--truststore', TRUST];
    return nodeseal(node, 'verify', tagged, ...trust);
  }

  async function writePolicy(
    name: string,
    {
      level = 'strict',
      scope = `${registry.host}/app`,
      stores = [],
    }: { level?: string; scope?: string; stores?: readonly string[] },
  ): Promise<void> {
    const trusted = { trustStores: ['ca:acme', ...stores], trustedIdentities: [key.subject] };
    const statement = {
      ...{ name: 'acme', registryScopes: [scope], signatureVerification: { level } },
      ...(level === 'skip' ? {} : trusted),
    };
    const policy = { version: '1.0', trustPolicies: [statement] };
    await node.writeFile(`${TRUST}/${name}`, JSON.stringify(policy));
  }
});

/** notaryproject/specifications, "plugin-extensibility.md": the raw signature generator, with a key of notation's own. */
const PLUGIN = `#!/usr/local/bin/node
const { createPrivateKey, sign, X509Certificate } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const request = JSON.parse(readFileSync(0, 'utf8') || '{}');
const keys = '/root/.config/notation/localkeys/acme/';
const der = (name) => new X509Certificate(readFileSync(keys + name)).raw.toString('base64');
const commands = {
  'get-plugin-metadata': () => ({
    name: 'test-kms', description: 'test', version: '1.0.0', url: 'https://example.io',
    supportedContractVersions: ['1.0'], capabilities: ['SIGNATURE_GENERATOR.RAW'],
  }),
  'describe-key': () => {
    writeFileSync('/tmp/plugin-config', JSON.stringify(request.pluginConfig));
    return { keyId: request.keyId, keySpec: 'EC-256' };
  },
  'generate-signature': () => {
    const key = { key: createPrivateKey(readFileSync(keys + 'leaf.key')), dsaEncoding: 'ieee-p1363' };
    return {
      keyId: request.keyId,
      signature: sign('sha256', Buffer.from(request.payload, 'base64'), key).toString('base64'),
      signingAlgorithm: 'ECDSA-SHA-256',
      certificateChain: [der('leaf.crt'), der('ca.crt')],
    };
  },
};
console.log(JSON.stringify(commands[process.argv[2]]()));
`;

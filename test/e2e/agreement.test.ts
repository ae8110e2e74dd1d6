// One table of images through all four that judge: a pull, re-verification, the webhook and the command line say the same.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { createServingCertificate } from '../../agent/webhook/serving-key.ts';
import { POD, reviewOf, workload } from '../support/admission.ts';
import {
  AGENT_BINDS,
  type NodeAgent,
  nodeseal,
  SOURCE,
  startNodeAgent,
} from '../support/node-agent.ts';
import {
  importImage,
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { attachSignature, borrowSignature } from '../support/node-referrers.ts';
import {
  createSigningKey,
  sign,
  type SigningKey,
  writeTruststore,
} from '../support/node-signatures.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import {
  askWebhook,
  launchWebhook,
  type RunningWebhook,
  WEBHOOK_NAME,
} from '../support/webhook.ts';

type Repository = 'app' | 'recorded' | 'skipped' | 'others' | 'uncovered';

/** An image, and what is to be thought of it. */
interface Case {
  readonly name: string;
  readonly repository: Repository;
  readonly index?: boolean;
  readonly expected: `${Verdict['decision']} ${Verdict['reason']}`;
  readonly prepare: (image: PushedImage) => Promise<void>;
}

/** What all four must agree on. */
const AGREED = [
  'decision',
  'reason',
  'policy',
  'signature',
  'signer',
  'policyHash',
  'trustHash',
] as const;
type Agreed = Readonly<Record<(typeof AGREED)[number], unknown>>;

describeOnNode('pull, re-verification, webhook and command line', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let webhook: RunningWebhook;
  let certificate: string;
  let trusted: SigningKey;
  let stranger: SigningKey;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    node = started.use(await bootTestNode({ bindReadOnly: AGENT_BINDS }));
    registry = await startRegistry(node, 'crane');
    client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    started.defer(() => {
      client.close();
    });
    trusted = await createSigningKey(node, 'acme', 'p-256');
    stranger = await createSigningKey(node, 'stranger', 'p-256');
    await writeTruststore(node, 'acme', [trusted], `${SOURCE}/truststore`);
    await node.writeFile(`${SOURCE}/policy.json`, policy());
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const directory = await mkdtemp(join(tmpdir(), 'nodeseal-agreement-'));
    started.defer(() => rm(directory, { recursive: true, force: true }));
    webhook = await startWebhook(directory);
    started.defer(async () => {
      await webhook.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  const good = (image: PushedImage) =>
    sign(registry, image.pinned, { key: trusted, format: 'jws' });
  const bad = (image: PushedImage) =>
    sign(registry, image.pinned, { key: stranger, format: 'cose' });
  const nothing = () => Promise.resolve();

  it.each<Case>([
    { name: 'signed', repository: 'app', expected: 'allow verified', prepare: good },
    {
      ...{ name: 'signed-cose', repository: 'app', expected: 'allow verified' },
      prepare: (image) => sign(registry, image.pinned, { key: trusted, format: 'cose' }),
    },
    { name: 'index', repository: 'app', index: true, expected: 'allow verified', prepare: good },
    { name: 'unsigned', repository: 'app', expected: 'deny signature_missing', prepare: nothing },
    {
      ...{ name: 'unsigned-index', repository: 'app', index: true },
      ...{ expected: 'deny signature_missing', prepare: nothing },
    },
    { name: 'stranger', repository: 'app', expected: 'deny certificate_untrusted', prepare: bad },
    {
      ...{ name: 'both', repository: 'app', expected: 'allow verified' },
      prepare: async (image) => {
        await bad(image);
        await good(image);
      },
    },
    {
      ...{ name: 'expired', repository: 'app', expected: 'deny signature_expired' },
      prepare: async (image) => {
        await sign(registry, image.pinned, { key: trusted, format: 'jws', expiry: '1s' });
        const isRefused = async () => (await verify(image)).code === 1;
        await agent.until('the signature to expire', isRefused);
      },
    },
    {
      ...{ name: 'copied', repository: 'app', expected: 'deny descriptor_mismatch' },
      prepare: async (image) => {
        const other = await pushImage(registry, 'app', { tag: 'copied-from' });
        const key = { key: trusted, format: 'jws' } as const;
        await attachSignature(registry, image, await borrowSignature(registry, other, key));
      },
    },
    {
      ...{ name: 'tampered', repository: 'app', expected: 'deny signature_invalid' },
      prepare: async (image) => {
        const key = { key: trusted, format: 'cose' } as const;
        const signature = await borrowSignature(registry, image, key);
        const envelope = signature.envelope.with(-1, (signature.envelope.at(-1) ?? 0) ^ 1);
        await attachSignature(registry, image, { ...signature, envelope });
      },
    },
    { name: 'other', repository: 'others', expected: 'deny identity_untrusted', prepare: good },
    { name: 'stranger', repository: 'recorded', expected: 'allow failure_logged', prepare: bad },
    {
      name: 'unsigned',
      repository: 'recorded',
      expected: 'deny signature_missing',
      prepare: nothing,
    },
    {
      name: 'unsigned',
      repository: 'skipped',
      expected: 'allow skipped_by_policy',
      prepare: nothing,
    },
    {
      name: 'signed',
      repository: 'uncovered',
      expected: 'deny policy_not_applicable',
      prepare: good,
    },
  ])(
    'agree on $repository:$name: $expected',
    async ({ name, repository, index = false, expected, prepare }) => {
      const image = await pushImage(registry, repository, { tag: name, index });
      await prepare(image);

      const pulled = await pullImage(client, image.tagged).then(
        () => 'allow',
        () => 'deny',
      );
      const byPull = await recorded(image, 'pull');
      expect(`${String(byPull.decision)} ${String(byPull.reason)}`).toBe(expected);
      expect(pulled).toBe(byPull.decision);

      if (pulled === 'deny') await importImage(registry, image);
      expect(await recorded(image, 'reverification')).toEqual(byPull);

      const { stdout } = await verify(image);
      const byCommand = JSON.parse(stdout) as Verdict;
      expect(agreed(byCommand)).toEqual(byPull);

      expect(await byWebhook(image)).toEqual(byPull);
    },
  );

  function verify({ tagged }: PushedImage) {
    const trust = ['--policy', `${SOURCE}/policy.json`, '--truststore', `${SOURCE}/truststore`];
    return nodeseal(node, ...['verify', tagged, ...trust, '--output', 'json']);
  }

  async function byWebhook(image: PushedImage): Promise<Agreed> {
    const before = webhook.log.with('admission: ').length;
    const review = reviewOf(POD, workload(POD, 'app', image.tagged));
    const answer = await askWebhook(webhook, review, { ca: certificate });
    const line = await webhook.log.until('admission: ', before + 1);
    expect(answer.allowed).toBe(line['decision'] === 'allow');
    expect(line['name']).toBe(image.tagged);
    return agreed(line as unknown as Agreed);
  }

  /** The last verdict of this kind on an image, once there is one. */
  async function recorded(image: PushedImage, kind: 'pull' | 'reverification'): Promise<Agreed> {
    const sql = `SELECT decision, reason, policy, signature, signer, policy_hash AS policyHash,
      trust_hash AS trustHash FROM history WHERE kind = '${kind}' AND digest = '${image.digest}'
      AND repository = '${image.repository}' ORDER BY id DESC LIMIT 1`;
    let rows: readonly unknown[] = [];
    await agent.until(`a ${kind} of ${image.tagged}`, async () => {
      rows = await agent.query(sql);
      return rows.length === 1;
    });
    return agreed(rows[0] as Agreed);
  }

  function agreed(verdict: Agreed | Verdict): Agreed {
    const members = AGREED.map((name) => [name, verdict[name]] as const);
    return Object.fromEntries(members) as Record<(typeof AGREED)[number], unknown>;
  }

  /** With the same policy and trust. What it reads is outside of the node: paths into that are links out of it. */
  async function startWebhook(directory: string): Promise<RunningWebhook> {
    const serving = createServingCertificate([WEBHOOK_NAME], new Date(), 3_600_000);
    certificate = serving.certificate;
    const files = {
      'tls.crt': certificate,
      'tls.key': serving.key,
      'policy.json': policy(),
      'truststore/x509/ca/acme/acme.crt': trusted.caPem,
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    return launchWebhook({
      NODESEAL_MODE: 'enforce',
      NODESEAL_POLICY_SOURCE: join(directory, 'policy.json'),
      NODESEAL_TRUSTSTORE_SOURCE: join(directory, 'truststore'),
      NODESEAL_LISTEN: '127.0.0.1:0',
      NODESEAL_WEBHOOK_LISTEN: '127.0.0.1:0',
      NODESEAL_WEBHOOK_CERTIFICATE: join(directory, 'tls.crt'),
      NODESEAL_WEBHOOK_KEY: join(directory, 'tls.key'),
    });
  }

  function policy(): string {
    const of = (repository: Repository, changes: object = {}) => ({
      name: repository,
      registryScopes: [`${registry.host}/${repository}`],
      signatureVerification: { level: 'strict' },
      trustStores: ['ca:acme'],
      trustedIdentities: [trusted.subject],
      ...changes,
    });
    const skipped = {
      name: 'skipped',
      registryScopes: [`${registry.host}/skipped`],
      signatureVerification: { level: 'skip' },
    };
    const trustPolicies = [
      of('app'),
      of('recorded', { signatureVerification: { level: 'audit' } }),
      of('others', {
        trustedIdentities: ['x509.subject: C=DE, ST=Berlin, O=nodeseal, CN=another'],
      }),
      skipped,
    ];
    return JSON.stringify({ version: '1.0', trustPolicies });
  }
});

// What the demonstration plays with: the node, a registry, two signed images and one without a signature.
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { AGENT_BINDS, SOURCE } from '../../test/support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../../test/support/node-images.ts';
import { createSigningKey, sign, writeTruststore } from '../../test/support/node-signatures.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import type { Narrator } from './narrator.ts';

/** containerd's socket on the node. */
const SOCKET = '/run/containerd/containerd.sock';

/** A running node that pulls from a registry with three images. */
export interface Stage {
  readonly node: TestNode;
  readonly client: ContainerdClient;
  readonly registry: Registry;
  readonly jws: PushedImage;
  readonly cose: PushedImage;
  readonly unsigned: PushedImage;
}

/** Boots the node of that name. */
export async function bootNode(narrator: Narrator, name: string): Promise<TestNode> {
  narrator.chapter('A node: Debian with systemd, journald and containerd, none of it changed');
  narrator.command(`hack/node/boot ${name}`);
  const node = await bootTestNode({ name, bindReadOnly: AGENT_BINDS });
  narrator.claim('the node is up', true);
  narrator.command('containerd --version; systemctl is-active containerd; ps -p 1 -o comm=');
  const about = await node.output([
    ...['sh', '-c', 'containerd --version; systemctl is-active containerd; ps -p 1 -o comm='],
  ]);
  narrator.output(about);
  narrator.claim(
    'containerd is a unit of a real systemd',
    /\nactive\nsystemd\n$/.test(about),
    about,
  );
  return node;
}

/** Starts the registry, pushes and signs, and writes the policy and trust store for the agent to find. */
export async function setStage(narrator: Narrator, node: TestNode): Promise<Stage> {
  narrator.chapter('A registry with two signed images and an unsigned one');
  narrator.command('docker-registry serve');
  const registry = await startRegistry(node, 'docker-registry');
  narrator.claim(`it listens on ${registry.host}, plain HTTP`, true);

  narrator.command('crane append --oci-empty-base --new_layer … --new_tag …   # three times');
  const jws = await pushImage(registry, 'app', { tag: 'jws' });
  const cose = await pushImage(registry, 'app', { tag: 'cose' });
  const unsigned = await pushImage(registry, 'app', { tag: 'unsigned' });
  narrator.output(
    [jws, cose, unsigned].map(({ tagged, digest }) => `${tagged}  ${digest}`).join('\n'),
  );
  narrator.claim('three images are built and pushed', true);

  narrator.command(
    "openssl req … -addext extendedKeyUsage=codeSigning -subj '/C=DE/ST=Berlin/O=nodeseal/CN=acme'",
  );
  const key = await createSigningKey(node, 'acme');
  narrator.claim('there is a CA, and a signing key under it', true);
  for (const [format, image] of [
    ['jws', jws],
    ['cose', cose],
  ] as const) {
    narrator.command(`notation sign --key acme --signature-format ${format} ${image.pinned}`);
    await sign(registry, image.pinned, { key, format });
    const listed = await signaturesOf(node, image);
    narrator.output(listed);
    narrator.claim(`${image.tagged} is signed`, /─ sha256:/.test(listed), listed);
  }
  narrator.command(`notation list ${unsigned.pinned}`);
  const none = await signaturesOf(node, unsigned);
  narrator.output(none);
  narrator.claim(`${unsigned.tagged} is not signed`, !/─ sha256:/.test(none), none);

  await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
  const policy = policyOf(`${registry.host}/app`, key.subject);
  await node.writeFile(`${SOURCE}/policy.json`, policy);
  narrator.say('The trust policy that the node will get, in the Notary Project’s format:');
  narrator.output(policy);
  return { node, registry, client: createContainerdClient(node.path(SOCKET)), jws, cose, unsigned };
}

function signaturesOf(node: TestNode, image: PushedImage): Promise<string> {
  return node.output(['notation', 'list', '--insecure-registry', image.pinned]);
}

function policyOf(scope: string, trustedIdentity: string): string {
  const statement = {
    name: 'acme',
    registryScopes: [scope],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:acme'],
    trustedIdentities: [trustedIdentity],
  };
  const members = Object.entries(statement).map(
    ([member, value]) => `    ${JSON.stringify(member)}: ${JSON.stringify(value)}`,
  );
  return `{ "version": "1.0", "trustPolicies": [{\n${members.join(',\n')}\n}] }\n`;
}

// A node full of signed images: as records in containerd, without the content that a verdict does not read.
import { createHash } from 'node:crypto';
import { createContainerdClient } from '../../agent/node/containerd/client.ts';
import type { Method } from '../../agent/node/containerd/descriptors.ts';
import type { ImageMessage } from '../../agent/node/containerd/messages.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { createCa } from '../../test/support/ca.ts';
import type { TestCertificate } from '../../test/support/certificate.ts';
import { PACKAGE } from '../../test/support/containerd-package.ts';
import type { TestRegistry } from '../../test/support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../../test/support/sign-envelope.ts';
import type { TestNode } from '../../test/support/test-node.ts';

const ca = createCa();
const stranger = createCa({ name: 'Stranger' });
const FORMATS = ['jws', 'cose'] as const;
/** What a node has is of few of them. */
export const REPOSITORIES = 20;
/** As `notation sign` writes it: SHA-256 of the certificates of the chain. */
const THUMBPRINTS = 'io.cncf.notary.x509chain.thumbprint#S256';

/** Writes a policy that allows, strictly, what `createSignedImages` signs. */
export async function writeTrust(
  node: TestNode,
  directory: string,
  policyName = 'policy.json',
  statementName = 'bench',
): Promise<void> {
  const statement = {
    name: statementName,
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:bench'],
    trustedIdentities: ['*'],
  };
  const document = { version: '1.0', trustPolicies: [statement] };
  // notation warns of a policy that others may read.
  await node.writeFile(`${directory}/${policyName}`, JSON.stringify(document), 0o600);
  await node.writeFile(`${directory}/truststore/x509/ca/bench/root.pem`, ca.root.pem);
}

/**
 * Puts an image into the registry with as many signatures as told, JWS and COSE in turns, of which
 * only that at `good` is by somebody who is trusted. Default: one, and it is good.
 */
export function pushSignedImage(
  registry: TestRegistry,
  repository: string,
  n: number,
  { signatures = 1, good = 0, tag = 'v1' } = {},
): Descriptor {
  const target = registry.pushImage(repository, tag, `content ${n}`);
  const trusted = signerOf(repository);
  const other = signatures > 1 ? stranger.issue() : trusted;
  for (let at = 0; at < signatures; at += 1) {
    const format = FORMATS[(n + at) % FORMATS.length] ?? 'jws';
    const signer = at === good ? trusted : other;
    const envelope = signEnvelope({ format, signer, target });
    const thumbprints = JSON.stringify(signer.chain.map(thumbprint));
    const annotations = { [THUMBPRINTS]: thumbprints };
    registry.attachSignature(repository, target, envelope, MEDIA_TYPES[format], { annotations });
  }
  return target;
}

const signers = new Map<string, TestCertificate>();

/** As teams sign: all images of a repository by one certificate. */
function signerOf(repository: string): TestCertificate {
  const known = signers.get(repository) ?? ca.issue();
  signers.set(repository, known);
  return known;
}

function thumbprint(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('hex');
}

/** Which images to make; those of other numbers are others. */
export interface ImagesToCreate {
  /** Number of the first. Default 0. */
  readonly from?: number;
  readonly count: number;
}

/**
 * Puts images into the registry, a signature on each, JWS and COSE in turns, and the three records
 * into containerd that a pull through CRI leaves. Returns their names with digests.
 */
export async function createSignedImages(
  node: TestNode,
  registry: TestRegistry,
  { from = 0, count }: ImagesToCreate,
): Promise<readonly string[]> {
  const client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
  const pinned: string[] = [];
  try {
    for (let n = from; n < from + count; n += 1) {
      const repository = `team/app-${n % REPOSITORIES}`;
      const tag = `v${n}`;
      const target = pushSignedImage(registry, repository, n, { tag });
      const { digest: configDigest } = registry.pushBlob(repository, Buffer.from(`config ${n}`));
      const name = `${registry.host}/${repository}`;
      pinned.push(`${name}@${target.digest}`);
      for (const record of [`${name}:${tag}`, `${name}@${target.digest}`, configDigest]) {
        await client.call(CREATE, { image: imageMessage(record, target) });
      }
    }
    return pinned;
  } finally {
    client.close();
  }
}

/** The agent never calls it. */
const CREATE: Method<{ readonly image: ImageMessage }, object> = {
  path: '/containerd.services.images.v1.Images/Create',
  encodeRequest: encodeImage,
  decodeResponse: () => ({}),
};

// A request to create an image has the form of the response that gives one: `image` is field 1.
function encodeImage(request: { readonly image: ImageMessage }): Buffer {
  const definition = PACKAGE['containerd.services.images.v1.GetImageResponse'];
  if (definition === undefined || !('serialize' in definition)) throw new TypeError('no encoder');
  return (definition.serialize as (message: object) => Buffer)(request);
}

function imageMessage(name: string, { mediaType, digest, size }: Descriptor): ImageMessage {
  return {
    name,
    labels: { 'io.cri-containerd.image': 'managed' },
    target: { mediaType, digest, size: String(size), annotations: {} },
    createdAt: null,
    updatedAt: null,
  };
}

// Signing keys, real `notation` signatures and trust stores on a node.
import { readFile, writeFile } from 'node:fs/promises';
import type { Registry } from './node-images.ts';
import type { TestNode } from './test-node.ts';

const NOTATION_HOME = '/root/.config/notation';

export type KeyAlgorithm = 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'p-256' | 'p-384' | 'p-521';

/** A code-signing certificate and key known to the node's `notation` by name, under a CA of its own. */
export interface SigningKey {
  readonly name: string;
  readonly caPem: string;
  /** The leaf's subject, as trusted identities write it. */
  readonly subject: string;
}

export interface SignOptions {
  readonly key: SigningKey;
  readonly format: 'jws' | 'cose';
  /** A Notation duration such as `1h`. Default: no expiry. */
  readonly expiry?: string;
  /** Where to have it stamped, and the authority's root certificate on the node. Default: not at all. */
  readonly timestamp?: { readonly url: string; readonly rootPath: string };
}

// Arguments: directory, common name, days of the CA, and how openssl names the algorithm.
const CREATE_KEY = `
  mkdir -p "$1"; cd "$1"; name=$2 days=$3; shift 3
  subject=/C=DE/ST=Berlin/O=nodeseal
  openssl req -x509 -newkey "$@" -noenc -days "$days" -subj "$subject/CN=$name CA" -keyout ca.key -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl req -x509 -CA ca.crt -CAkey ca.key -newkey "$@" -noenc -days 30 -subj "$subject/CN=$name" -keyout leaf.key -out leaf.crt \
    -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=codeSigning
  cat leaf.crt ca.crt >chain.crt`;

/** Makes a CA and a code-signing leaf by openssl, and registers the leaf with the node's `notation`. */
export async function createSigningKey(
  node: TestNode,
  name: string,
  algorithm: KeyAlgorithm = 'rsa-2048',
  caDays = 30,
): Promise<SigningKey> {
  const directory = `${NOTATION_HOME}/localkeys/${name}`;
  const openssl = algorithm.startsWith('rsa-')
    ? [algorithm.replace('-', ':')]
    : ['ec', '-pkeyopt', `ec_paramgen_curve:${algorithm.toUpperCase()}`];
  await node.output(['sh', '-euc', CREATE_KEY, 'key', directory, name, String(caDays), ...openssl]);
  await registerKey(node, {
    name,
    keyPath: `${directory}/leaf.key`,
    certPath: `${directory}/chain.crt`,
  });
  return {
    name,
    caPem: await readFile(node.path(`${directory}/ca.crt`), 'utf8'),
    subject: `x509.subject: C=DE, ST=Berlin, O=nodeseal, CN=${name}`,
  };
}

interface KeyEntry {
  readonly name: string;
  readonly keyPath: string;
  readonly certPath: string;
}

async function registerKey(node: TestNode, key: KeyEntry): Promise<void> {
  const path = node.path(`${NOTATION_HOME}/signingkeys.json`);
  const before = await readFile(path, 'utf8').catch(() => '{"keys":[]}');
  const { keys } = JSON.parse(before) as { keys: KeyEntry[] };
  await writeFile(path, JSON.stringify({ keys: [...keys, key] }), { mode: 0o600 });
}

/** Signs by the real `notation`, by the referrers API where the registry has it. The reference is one with a digest. */
export async function sign(
  registry: Registry,
  pinned: string,
  { key, format, expiry, timestamp }: SignOptions,
): Promise<void> {
  await registry.node.output([
    ...['notation', 'sign', '--insecure-registry', '--key', key.name, '--signature-format', format],
    `--force-referrers-tag=${registry.kind === 'docker-registry'}`,
    ...(expiry === undefined ? [] : ['--expiry', expiry]),
    ...(timestamp === undefined
      ? []
      : ['--timestamp-url', timestamp.url, '--timestamp-root-cert', timestamp.rootPath]),
    pinned,
  ]);
}

/**
 * Writes the keys' CA certificates as the named trust store of type `ca`. The directory is the one that
 * holds `x509/`, in the node; by default the one nodeseal reads.
 */
export async function writeTruststore(
  node: TestNode,
  store: string,
  keys: readonly SigningKey[],
  directory = '/etc/containerd/notation/truststore',
): Promise<void> {
  for (const key of keys) {
    await node.writeFile(`${directory}/x509/ca/${store}/${key.name}.crt`, key.caPem);
  }
}

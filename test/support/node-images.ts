// Registries on a node, and tiny images pushed to them.
import { randomBytes } from 'node:crypto';
import type { TestNode } from './test-node.ts';

const REGISTRY_START_MS = 60_000;

/** docker-registry answers 404 to the referrers API (signatures go by the tag schema); crane implements it. */
export type RegistryKind = 'docker-registry' | 'crane';

export interface Registry {
  readonly node: TestNode;
  readonly kind: RegistryKind;
  /** `127.0.0.1:PORT`: a free port, plain HTTP, reachable from the node and from this machine. */
  readonly host: string;
  stop(): void;
}

export interface PushedImage {
  /** `host/repository:tag` */
  readonly tagged: string;
  /** `host/repository@sha256:…`, of the index if there is one. */
  readonly pinned: string;
  readonly repository: string;
  readonly digest: string;
}

export interface PushOptions {
  /** Default: `latest`. */
  readonly tag?: string;
  /** Wraps the manifest in an image index, as multi-platform images are. Default: false. */
  readonly index?: boolean;
  /** What its busybox does when it is run. Default: `cat /content`, and ends. */
  readonly command?: string;
}

const REGISTRY_COMMANDS: Readonly<Record<RegistryKind, string>> = {
  'docker-registry': `
    config=$(mktemp)
    printf '%s\\n' 'version: 0.1' 'storage: {inmemory: {}, delete: {enabled: true}}' \
      "http: {addr: '127.0.0.1:0', secret: test}" >"$config"
    exec docker-registry serve "$config" 2>&1`,
  crane: 'exec crane registry serve --address 127.0.0.1:0 2>&1',
};

/** Starts an empty registry in the node and waits until it listens. It ends with the node at the latest. */
export async function startRegistry(node: TestNode, kind: RegistryKind): Promise<Registry> {
  const child = node.spawn(['sh', '-euc', REGISTRY_COMMANDS[kind]]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let log = '';
  const fail = (what: string): void => {
    child.kill('SIGKILL');
    reject(new Error(`${kind}: expected a listening registry, found ${what}: ${log}`));
  };
  const timer = setTimeout(() => fail(`none after ${REGISTRY_START_MS} ms`), REGISTRY_START_MS);
  child.on('error', reject);
  const ended = (): void => fail('that it ended');
  child.on('exit', ended);
  // Goes on reading after the port is known, so that the registry never blocks on its own log.
  child.stdout?.on('data', (chunk: Buffer) => {
    if (log.length > 10_000) return;
    log += chunk.toString('utf8');
    const port = /(?:listening on 127\.0\.0\.1:|serving on port )(\d+)\b/.exec(log)?.[1];
    if (port !== undefined) resolve(`127.0.0.1:${port}`);
  });
  try {
    return { node, kind, host: await promise, stop: () => void child.kill() };
  } finally {
    clearTimeout(timer);
    child.off('exit', ended);
  }
}

// Arguments: reference, unique content, whether to wrap in an index, what busybox does. Prints the digest.
const PUSH = `
  reference=$1 content=$2 index=$3 command=$4
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
  mkdir -p base/bin layer
  cp /bin/busybox base/bin/busybox
  ln -s busybox base/bin/sh
  printf '%s\\n' "$content" >layer/content
  tar -C base -cf base.tar .
  tar -C layer -cf layer.tar .
  crane append --oci-empty-base --new_layer base.tar --new_layer layer.tar --new_tag "$reference"
  crane mutate --set-platform "linux/$(dpkg --print-architecture)" --cmd "/bin/sh,-c,exec busybox $command" --tag "$reference" "$reference"
  if [ "$index" = true ]; then
    crane index append --manifest "$reference" --tag "$reference"
  fi
  crane digest "$reference" >&3`;

/** Builds an image from scratch that no other image equals, runnable by its busybox, and pushes it. */
export async function pushImage(
  registry: Registry,
  name: string,
  options: PushOptions = {},
): Promise<PushedImage> {
  const { tag = 'latest', index = false, command = 'cat /content' } = options;
  const repository = `${registry.host}/${name}`;
  const content = randomBytes(16).toString('hex');
  const printed = await registry.node.output([
    ...['sh', '-euc', `exec 3>&1 >/dev/null; ${PUSH}`, 'push'],
    ...[`${repository}:${tag}`, content, String(index), command],
  ]);
  const digest = printed.trim();
  return { tagged: `${repository}:${tag}`, pinned: `${repository}@${digest}`, repository, digest };
}

// Arguments: the reference, and the name to import the image by.
const IMPORT = `
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
  crane pull --insecure --format=oci "$1" image
  # containerd names the manifest by this; its --index-name would name the archive's own index, which has another digest.
  jq --arg name "$2" '.manifests[].annotations["io.containerd.image.name"] = $name' image/index.json >index.json
  mv index.json image/index.json
  tar -C image -cf image.tar .
  ctr -n k8s.io images import --no-unpack image.tar`;

/**
 * Imports a pushed image into containerd under its tag and digest, as an archive, which no image
 * verifier is asked about.
 */
export async function importImage({ node }: Registry, image: PushedImage): Promise<void> {
  await node.output(['sh', '-euc', IMPORT, 'import', image.pinned, image.tagged]);
}

// A registry on a node that lets nobody in without a password, and a way around it to fill it; CRI pulls with credentials.
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { METHODS } from '../../agent/node/containerd/descriptors.ts';
import type { Registry } from './node-images.ts';
import type { TestNode } from './test-node.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface PrivateRegistry {
  /** Of the same content, without a password. */
  readonly filling: Registry;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): void;
}

const START_MS = 60_000;
const POLL_MS = 20;

// Arguments: directory of the content, and of what htpasswd writes, if anybody is to be asked.
const SERVE = `
  config=$(mktemp)
  printf '%s\\n' 'version: 0.1' "storage: {filesystem: {rootdirectory: $1}, delete: {enabled: true}}" \
    "http: {addr: '127.0.0.1:0', secret: test}" >"$config"
  [ -z "$2" ] || printf '%s\\n' "auth: {htpasswd: {realm: test, path: $2}}" >>"$config"
  exec docker-registry serve "$config" 2>&1`;

// bcrypt, which is all that the registry takes.
const HASH = String.raw`
  read password
  PASSWORD=$password perl -e 'print crypt($ENV{PASSWORD}, "\$2y\$05\$" . "nodesealnodesealnodese")'`;

/** Starts both on one content. They end with the node at the latest. */
export async function startPrivateRegistry(
  node: TestNode,
  { username, password }: Login,
): Promise<PrivateRegistry> {
  const [content, passwords] = ['/srv/private-registry/content', '/srv/private-registry/htpasswd'];
  const hash = await node.output(['sh', '-euc', HASH], { stdin: `${password}\n` });
  await node.writeFile(passwords, `${username}:${hash.trim()}\n`);
  const open = await serve(node, content, '');
  const closed = await serve(node, content, passwords);
  const stop = (): void => {
    open.stop();
    closed.stop();
  };
  const filling = { node, kind: 'docker-registry', host: open.host, stop: open.stop } as const;
  return { filling, host: closed.host, stop };
}

async function serve(node: TestNode, content: string, passwords: string) {
  const child = node.spawn(['sh', '-euc', SERVE, 'serve', content, passwords]);
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    if (log.length < 10_000) log += chunk.toString('utf8');
  });
  const deadline = Date.now() + START_MS;
  for (;;) {
    const port = /listening on 127\.0\.0\.1:(\d+)\b/.exec(log)?.[1];
    if (port !== undefined) {
      const stop = () => {
        child.kill();
      };
      return { host: `127.0.0.1:${port}`, stop };
    }
    if (Date.now() > deadline) throw new Error(`expected a listening registry, found: ${log}`);
    await delay(POLL_MS);
  }
}

/** Pulls as kubelet does for a pod that names a pull secret: with the credentials in the request. */
export async function pullWithLogin(
  client: ContainerdClient,
  image: string,
  { username, password }: Login,
): Promise<void> {
  // runtime.v1 AuthConfig: username = 1, password = 2; PullImageRequest: auth = 2.
  const auth = Buffer.concat([field(1, Buffer.from(username)), field(2, Buffer.from(password))]);
  const method = {
    ...METHODS.pullImage,
    encodeRequest: (request: { readonly image: { readonly image: string } }) =>
      Buffer.concat([METHODS.pullImage.encodeRequest(request), field(2, auth)]),
  };
  await client.call(method, { image: { image } }, { timeoutMs: 60_000 });
}

/** A field whose value is shorter than 128 bytes. */
function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, value.length]), value]);
}

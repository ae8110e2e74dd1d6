// A real control plane for tests: what hack/cluster starts, as a value that stops itself.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import type { ApiClientOptions } from '../../agent/node/kubernetes/api-client.ts';
import { type KubernetesTool, kubernetesTools, ROOT, type ToolEnded } from './kubernetes-tools.ts';

const script = (name: string): string => join(ROOT, 'hack/cluster', name);

/** The first start on a machine builds the programs; hack/test does before. */
export const CLUSTER_TIMEOUT_MS = 900_000;
const STOP_TIMEOUT_MS = 30_000;
const TOOL_TIMEOUT_MS = 120_000;
/** Of a loaded machine: what is waited for takes seconds. */
const WAIT_MS = 100_000;
const LOOK_MS = 250;

/** An Event of Kubernetes, as far as tests look at it. */
export interface ClusterEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: {
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly fieldPath?: string;
  };
  readonly source: { readonly component: string; readonly host?: string };
}

/** etcd, an API server with RBAC, and controllers. */
export class TestCluster implements AsyncDisposable {
  readonly #name: string;
  readonly #tools = kubernetesTools();
  readonly directory: string;

  private constructor(name: string, directory: string) {
    this.#name = name;
    this.directory = directory;
  }

  /** Starts one of its own for the caller, who stops it; at the latest it ends with this process. */
  static async start(): Promise<TestCluster> {
    // hack/test stops, by its own number, what a runner that was killed left behind.
    const name = `test-${process.env['TEST_RUN'] ?? 'own'}-${randomBytes(6).toString('hex')}`;
    const words = [name, '--while', String(process.pid)];
    const started = promisify(execFile)(script('start'), words, { timeout: CLUSTER_TIMEOUT_MS });
    return new TestCluster(name, (await started).stdout.trim());
  }

  /** Stops it and removes all of it. Stopping it again does nothing. */
  async stop(): Promise<void> {
    await promisify(execFile)(script('stop'), [this.#name], { timeout: STOP_TIMEOUT_MS });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Where the API server listens on loopback. */
  get server(): { readonly host: string; readonly port: number } {
    const [host = '', port = ''] = this.read('address').trim().split(':');
    return { host, port: Number(port) };
  }

  /** Has etcd forget what was before now, as it does every five minutes. */
  async compact(): Promise<void> {
    const etcd = `http://${this.read('etcd-address').trim()}/v3/kv`;
    const ask = async (path: string, body: object) => {
      const answer = await fetch(`${etcd}/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return (await answer.json()) as { readonly header: { readonly revision: string } };
    };
    const { header } = await ask('range', { key: 'AA==' });
    await ask('compaction', { revision: header.revision, physical: true });
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** Runs kubectl or helm as administrator, to its end. */
  async run(tool: KubernetesTool, args: readonly string[], stdin = ''): Promise<ToolEnded> {
    const child = spawn(join(this.#tools, tool), args, {
      ...{ cwd: ROOT, stdio: 'pipe', timeout: TOOL_TIMEOUT_MS, killSignal: 'SIGKILL' },
      // Nothing of this machine's own clusters.
      env: { HOME: this.directory, KUBECONFIG: this.file('admin.kubeconfig') },
    });
    // It may end without reading all of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const closed = once(child, 'close') as Promise<[number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([
      ...[text(child.stdout), text(child.stderr)],
      closed,
    ] as const);
    return { code: code ?? 1, stdout, stderr };
  }

  /** The same; throws unless it ends with 0. */
  async output(tool: KubernetesTool, args: readonly string[], stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(tool, args, stdin);
    if (code !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.output('kubectl', args);
  }

  /** Makes the objects, or makes them so. */
  apply(objects: readonly object[], ...args: readonly string[]): Promise<ToolEnded> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return this.run('kubectl', ['apply', ...args, '-f', '-'], list);
  }

  /** An object, or a list of them. */
  async get(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.kubectl('get', ...args, '-o', 'json'));
  }

  /** Events that nodeseal raised for this reason. */
  async events(reason: string): Promise<readonly ClusterEvent[]> {
    const { items } = (await this.get('events', '-A')) as {
      readonly items: readonly ClusterEvent[];
    };
    return items.filter((one) => one.reason === reason && one.source.component === 'nodeseal');
  }

  /** Puts a pod on a node, as the scheduler would. */
  async bind(namespace: string, pod: string, node: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod }, target };
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/binding`;
    await this.output('kubectl', ['create', '--raw', path, '-f', '-'], JSON.stringify(binding));
  }

  /** How a pod reaches the API server: with a token that is bound to it, if one is named. */
  async access(namespace: string, account: string, pod?: string): Promise<ApiClientOptions> {
    const bound =
      pod === undefined ? [] : ['--bound-object-kind', 'Pod', '--bound-object-name', pod];
    const token = await this.kubectl('create', 'token', account, '-n', namespace, ...bound);
    const serviceAccountDir = mkdtempSync(this.file('account-'));
    writeFileSync(join(serviceAccountDir, 'token'), token);
    writeFileSync(join(serviceAccountDir, 'ca.crt'), this.read('ca.crt'));
    return { server: this.server, serviceAccountDir };
  }

  /** A certificate of the cluster's CA, below `directory`: NAME.crt and NAME.key. */
  issue(name: string, subject: string): void {
    execFileSync('sh', ['-euc', CERTIFICATE, 'certificate', name, subject], {
      ...{ cwd: this.directory, stdio: 'ignore' },
    });
  }
}

const CERTIFICATE = `
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \\
  -keyout "$1.key" -out "$1.csr"
echo extendedKeyUsage=clientAuth >"$1.ext"
openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \\
  -out "$1.crt" -extfile "$1.ext"`;

/** Waits until there is something; returns it. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  return vi.waitFor(
    async () => {
      const found = await look();
      if (found === undefined) throw new Error(`expected ${what}`);
      return found;
    },
    { timeout: WAIT_MS, interval: LOOK_MS },
  );
}

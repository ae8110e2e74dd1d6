// The API server of Kubernetes as far as the agent uses it, on loopback over TLS: it merges patches into one Node.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './front-door.ts';
import { mintServerCertificate } from './registry/tls.ts';

/** One request, as it came. */
export interface SeenPatch {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
}

export type NodeCondition = Readonly<Record<string, string>> & { readonly type: string };

interface NodePatch {
  readonly metadata?: { readonly labels: Readonly<Record<string, string | null>> };
  readonly status?: { readonly conditions: readonly NodeCondition[] };
}

const CERTIFICATE = mintServerCertificate('kubernetes');

/** Starts one that knows a single node; it ends with the test. */
export async function startKubernetesApi(nodeName: string): Promise<KubernetesApi> {
  const api = new KubernetesApi(nodeName);
  await api.listen();
  onTestFinished(() => api.close());
  return api;
}

export class KubernetesApi {
  readonly seen: SeenPatch[] = [];
  readonly serviceAccountDir = temporaryDirectory();
  /** Answers in the API server's place when it returns true. */
  intercept: ((seen: SeenPatch, response: ServerResponse, body: string) => boolean) | undefined;
  readonly labels: Record<string, string> = { 'kubernetes.io/os': 'linux' };
  readonly conditions = new Map<string, NodeCondition>([
    ['Ready', { type: 'Ready', status: 'True' }],
  ]);
  #token = 'first-token';
  readonly #nodeName: string;
  readonly #waiting = new Set<() => void>();
  readonly #server = createServer(CERTIFICATE, (request, response) => {
    void this.#serve(request, response);
  });

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
    mkdirSync(this.serviceAccountDir, { recursive: true });
    this.put('ca.crt', CERTIFICATE.ca);
    this.rotate(this.#token);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get server() {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** What kubelet puts into the environment of a container. */
  get environment(): Record<string, string> {
    const { host, port } = this.server;
    return { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(port) };
  }

  /** From now on only this token is good, and the pod has it. */
  rotate(token: string): void {
    this.#token = token;
    this.put('token', `${token}\n`);
  }

  /** A file of the service account. */
  put(name: string, text: string): void {
    writeFileSync(join(this.serviceAccountDir, name), text);
  }

  /** Resolves once there were `count` requests. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.seen.length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path, headers } = request;
    const { 'content-type': type, authorization } = headers;
    const seen = { method, path, type, authorization };
    const body: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) body.push(piece);
    const text = Buffer.concat(body).toString();
    if (this.intercept?.(seen, response, text) !== true) {
      const [status, answer] = this.#answer(seen, text);
      response.writeHead(status).end(JSON.stringify(answer));
    }
    this.seen.push(seen);
    for (const look of this.#waiting) look();
  }

  #answer({ method, path, type, authorization }: SeenPatch, body: string): [number, object] {
    if (authorization !== `Bearer ${this.#token}`) return statusOf(401, 'Unauthorized');
    if (method !== 'PATCH') return statusOf(405, 'Method Not Allowed');
    const node = `/api/v1/nodes/${this.#nodeName}`;
    const patch = JSON.parse(body) as NodePatch;
    if (path === node && type === 'application/merge-patch+json') {
      for (const [name, value] of Object.entries(patch.metadata?.labels ?? {})) {
        if (value === null) Reflect.deleteProperty(this.labels, name);
        else this.labels[name] = value;
      }
    } else if (path === `${node}/status` && type === 'application/strategic-merge-patch+json') {
      for (const one of patch.status?.conditions ?? []) {
        if (one['$patch'] === 'delete') this.conditions.delete(one.type);
        else this.conditions.set(one.type, { ...this.conditions.get(one.type), ...one });
      }
    } else return statusOf(404, `nodes "${path ?? ''}" not found`);
    return [200, this.node()];
  }

  /** The Node as it is now. */
  node(): object {
    const metadata = { name: this.#nodeName, labels: this.labels };
    const status = { conditions: [...this.conditions.values()] };
    return { kind: 'Node', apiVersion: 'v1', metadata, status };
  }
}

/** An error as the API server writes it. */
export function statusOf(code: number, message: string): [number, object] {
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }];
}

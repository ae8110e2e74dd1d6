// `nodeseal webhook` in this process, with files that it follows, and an API server's side of its connections.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { runWebhook } from '../../agent/commands/webhook.ts';
import { createServingCertificate } from '../../agent/webhook/serving-key.ts';
import type { ServingCertificate } from '../../agent/webhook/server.ts';
import { type AnswerJson, bytesOf, parseAnswer } from './admission.ts';
import { createCa, type TestCa } from './ca.ts';
import { temporaryDirectory } from './front-door.ts';
import { LogLines } from './log-lines.ts';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions } from './registry.ts';
import { MEDIA_TYPES, signEnvelope } from './sign-envelope.ts';
import { documentOf, statement, type StatementJson } from './trust-policy.ts';

/** By which tests ask for it. */
export const WEBHOOK_NAME = 'localhost';
const HOUR_MS = 3_600_000;

/** A registry, and a policy with trust that covers its repository `app`. */
export class TrustedRegistry implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly directory = mkdtempSync(join(tmpdir(), 'nodeseal-trusted-'));
  readonly ca = createCa();

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    const store = join(this.truststoreDir, 'x509/ca/acme');
    mkdirSync(store, { recursive: true });
    writeFileSync(join(store, 'root.pem'), this.ca.root.pem);
    this.writePolicy();
  }

  static async start(options: TestRegistryOptions = {}): Promise<TrustedRegistry> {
    return new TrustedRegistry(await startTestRegistry(options));
  }

  /** It ends with the test. */
  static async open(options: TestRegistryOptions = {}): Promise<TrustedRegistry> {
    const opened = await TrustedRegistry.start(options);
    onTestFinished(() => opened[Symbol.asyncDispose]());
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get policyFile(): string {
    return join(this.directory, 'policy.json');
  }

  get truststoreDir(): string {
    return join(this.directory, 'truststore');
  }

  get repository(): string {
    return `${this.registry.host}/app`;
  }

  /** The one statement trusts whoever `ca` vouches for, unless it is changed; further ones come after it. */
  writePolicy(changes: StatementJson = {}, ...others: readonly StatementJson[]): void {
    const good = { registryScopes: [this.repository], trustedIdentities: ['*'] };
    writeFileSync(this.policyFile, documentOf([statement({ ...good, ...changes }), ...others]));
  }

  /** Pushes an image, signed by a certificate of this CA, and names it by its tag. */
  push(tag: string, signedBy?: TestCa, repository = 'app'): string {
    const image = this.registry.pushImage(repository, tag, tag);
    if (signedBy !== undefined) {
      const envelope = signEnvelope({ format: 'jws', signer: signedBy.issue(), target: image });
      this.registry.attachSignature(repository, image, envelope, MEDIA_TYPES.jws);
    }
    return `${this.registry.host}/${repository}:${tag}`;
  }

  /** What a webhook that judges by it is set up with, but for its certificate. */
  get settings(): Readonly<Record<string, string>> {
    return {
      NODESEAL_POLICY_SOURCE: this.policyFile,
      NODESEAL_TRUSTSTORE_SOURCE: this.truststoreDir,
      NODESEAL_LISTEN: '127.0.0.1:0',
      NODESEAL_WEBHOOK_LISTEN: '127.0.0.1:0',
    };
  }
}

/** A certificate in files, as cert-manager's Secret is mounted. */
export class CertificateFiles {
  readonly #directory = temporaryDirectory();
  current: ServingCertificate = this.renew();

  renew(): ServingCertificate {
    this.current = createServingCertificate([WEBHOOK_NAME], new Date(), HOUR_MS);
    writeFileSync(join(this.#directory, 'tls.crt'), this.current.certificate);
    writeFileSync(join(this.#directory, 'tls.key'), this.current.key);
    return this.current;
  }

  get settings(): Readonly<Record<string, string>> {
    return {
      NODESEAL_WEBHOOK_CERTIFICATE: join(this.#directory, 'tls.crt'),
      NODESEAL_WEBHOOK_KEY: join(this.#directory, 'tls.key'),
    };
  }
}

/** One that runs. */
export interface RunningWebhook {
  readonly port: number;
  /** Of `/metrics`, `/healthz` and `/readyz`. */
  readonly healthUrl: string;
  readonly log: LogLines;
  /** Resolves with the exit code. */
  stop(): Promise<number>;
}

/** Runs it until it is stopped, or the test ends. */
export async function startWebhook(
  settings: Readonly<Record<string, string>>,
  serviceAccountDir?: string,
): Promise<RunningWebhook> {
  const running = await launchWebhook(settings, serviceAccountDir);
  onTestFinished(async () => {
    await running.stop();
  });
  return running;
}

/** Runs it until it is stopped. */
export async function launchWebhook(
  settings: Readonly<Record<string, string>>,
  serviceAccountDir = '/nonexistent',
): Promise<RunningWebhook> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const log = new LogLines();
  createInterface({ input: stdout }).on('line', log.write);
  const end = new AbortController();
  const context = { args: [], environment: settings, stdout, stderr, signal: end.signal };
  const ended = runWebhook(context, { serviceAccountDir, drainMs: 0 });
  const stop = () => {
    end.abort();
    return ended;
  };
  const early = ended.then(() => Promise.reject(new Error('the webhook ended')));
  early.catch(() => undefined);
  const { port, healthPort } = await Promise.race([log.until('running'), early]);
  return { port: Number(port), healthUrl: `http://127.0.0.1:${Number(healthPort)}`, log, stop };
}

/** How a webhook is asked. */
export interface Asking {
  readonly path?: string;
  /** PEM of what is trusted. */
  readonly ca: string;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
}

/** What the webhook answers to a review; rejects for any status but 200. */
export async function askWebhook(
  { port }: Pick<RunningWebhook, 'port'>,
  body: unknown,
  { path = '/validate?timeout=10s', ca, agent }: Asking,
): Promise<AnswerJson['response']> {
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, path, method: 'POST', servername: WEBHOOK_NAME },
        ...{ ca, agent: agent ?? false, headers: { 'content-type': 'application/json' } },
      },
      (response) => {
        buffer(response).then((found) => {
          if (response.statusCode === 200) resolve(found);
          else reject(new Error(`answered ${response.statusCode}: ${found.toString()}`));
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytesOf(body));
  });
  return parseAnswer(bytes);
}

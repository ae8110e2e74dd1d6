// The compiled pull verifier on a host of its own, run as containerd runs it.
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import type { PullRequest } from '../../agent/pull/agent-protocol.ts';
import { startAgentServer } from '../../agent/pull/agent-server.ts';
import type { PullMode } from '../../agent/pull/mode.ts';
import { buildVerifier } from '../../hack/build.ts';
import { createCa } from './ca.ts';
import { startTestRegistry } from './registry.ts';
import { MEDIA_TYPES, signEnvelope } from './sign-envelope.ts';
import { documentOf, statement } from './trust-policy.ts';

/** What a pull asks about. */
export interface PulledImage {
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** How the verifier ended. */
export interface PullOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A registry of the host, and two images in it. */
export interface SignedAndUnsigned {
  readonly signed: PulledImage;
  readonly unsigned: PulledImage;
  /** From now on the registry accepts requests and never answers. */
  readonly silence: () => void;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly close: () => Promise<void>;
}

/** containerd's `per_verifier_timeout`. */
const CONTAINERD_TIMEOUT_MS = 10_000;
export const DESCRIPTOR_TYPE = 'application/vnd.oci.descriptor.v1+json';

/** The executable, compiled to find its settings and its journal in a directory of its own. */
export class CompiledVerifier {
  readonly #directory: string;
  readonly #ca = createCa();
  /** What containerd's environment has beside what each has. */
  environment: Readonly<Record<string, string>> = {};

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Takes some seconds; whoever builds it removes it. */
  static async build(): Promise<CompiledVerifier> {
    const verifier = new CompiledVerifier(await mkdtemp(join(tmpdir(), 'nodeseal-verifier-')));
    // Another user has to reach a socket in it.
    await chmod(verifier.#directory, 0o755);
    await mkdir(verifier.at('journal'));
    await buildVerifier(verifier.at('nodeseal-verifier'), {
      settingsFile: verifier.at('verifier.json'),
      journal: {
        socket: verifier.at('journal.sock'),
        directories: [verifier.at('no-journal'), verifier.at('journal')],
      },
      breakGlassFile: verifier.at('break-glass.json'),
    });
    await verifier.writeSettings({});
    return verifier;
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  get directory(): string {
    return this.#directory;
  }

  /** The path of a file of this host. */
  at(name: string): string {
    return join(this.#directory, name);
  }

  /** Settings with members replaced. */
  async writeSettings(changes: Record<string, unknown>): Promise<void> {
    const settings = {
      agentSocket: this.at('run/agent.sock'),
      policyFile: this.at('policy.json'),
      truststoreDir: this.at('truststore'),
      pluginDir: this.at('plugins'),
      crlCacheDir: this.at('crl'),
      ...changes,
    };
    await writeFile(this.at('verifier.json'), JSON.stringify(settings));
  }

  /** Runs it as containerd does. Default of `stdin`: the descriptor. */
  pull(
    { name, descriptor }: PulledImage,
    stdin = `${JSON.stringify(descriptor)}\n`,
  ): Promise<PullOutcome> {
    const flags = ['-name', name, '-digest', descriptor.digest];
    return this.start([...flags, '-stdin-media-type', DESCRIPTOR_TYPE], stdin);
  }

  async start(args: readonly string[], stdin: string): Promise<PullOutcome> {
    const child = spawn(this.at('nodeseal-verifier'), args, {
      cwd: '/',
      env: {
        PATH: '/usr/bin:/bin',
        LD_LIBRARY_PATH: '/var/lib/containerd/opt/lib:',
        ...this.environment,
      },
      timeout: CONTAINERD_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    // The verifier may end without reading all of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const outputs = [text(child.stdout), text(child.stderr)] as const;
    const [code, stdout, stderr] = await Promise.all([ended, ...outputs]);
    return { code, stdout, stderr };
  }

  /** The real server of the agent, with any judgement. */
  async startAgent(
    judge: (request: PullRequest) => Promise<Verdict>,
    mode: PullMode = 'enforce',
  ): Promise<void> {
    const path = this.at('run/agent.sock');
    const server = await startAgentServer({ path, mode, judge, answered: () => undefined });
    onTestFinished(() => server.close());
  }

  /** Listens on a socket of this host until the test ends. Nothing is read but what `serve` reads. */
  async listen(name: string, serve: (socket: Socket) => void): Promise<void> {
    const path = this.at(name);
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
  }

  /** A registry with a signed and an unsigned image; this host trusts the signer of the first. */
  async openRegistry(): Promise<SignedAndUnsigned> {
    const registry = await startTestRegistry();
    onTestFinished(() => registry.close());
    const image = (content: string): PulledImage => ({
      name: `${registry.host}/team/app:${content}`,
      descriptor: registry.pushImage('team/app', content, content),
    });
    const [signed, unsigned] = [image('signed'), image('unsigned')];
    const signer = this.#ca.issue();
    const envelope = signEnvelope({ format: 'jws', signer, target: signed.descriptor });
    registry.attachSignature('team/app', signed.descriptor, envelope, MEDIA_TYPES.jws);
    await this.#trust(`${registry.host}/team/app`);
    return {
      ...{ signed, unsigned, host: registry.host },
      silence: () => (registry.intercept = () => true),
      close: () => registry.close(),
    };
  }

  async #trust(scope: string): Promise<void> {
    const policy = statement({
      registryScopes: [scope],
      signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
      trustedIdentities: ['*'],
    });
    await writeFile(this.at('policy.json'), documentOf([policy]));
    await mkdir(this.at('truststore/x509/ca/acme'), { recursive: true });
    await writeFile(this.at('truststore/x509/ca/acme/root.pem'), this.#ca.root.pem);
  }
}

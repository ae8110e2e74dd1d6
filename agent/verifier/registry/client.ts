// The registry client: OCI distribution's pull side, for what verification needs of it.
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Reference } from '../../oci/reference.ts';
import type { ProxyOf } from '../proxies/rules.ts';
import { Authorizer } from './authorizer.ts';
import { fetchBlob, fetchManifest } from './content.ts';
import type { CredentialEvent, CredentialSource } from './credentials/credential.ts';
import type { PlainHttp } from './endpoint.ts';
import type { HostFiles } from './hosts/host-files.ts';
import { HostMemory } from './hosts/host-memory.ts';
import { HostSource, type OnHostsFault } from './hosts/host-source.ts';
import { askInTurn, listInTurn, type Turn } from './hosts/in-turn.ts';
import type { RegistryHost } from './hosts/registry-host.ts';
import type { CreateTransport, RequestEvent } from './http.ts';
import { DEFAULT_LIMITS, type RegistryLimits } from './limits.ts';
import { listReferrers, listReferrersByApi, type Referrers } from './referrers.ts';
import { resolve } from './resolve.ts';
import { createSession, type RepositoryName, type Session } from './session.ts';

export interface RegistryClientOptions {
  /** What requests go over: the agent's and the pull verifier's are not the same. */
  readonly createTransport: CreateTransport;
  /** Sent as `User-Agent`. */
  readonly userAgent: string;
  /** Default: anonymous access to every registry. */
  readonly credentials?: CredentialSource;
  /** Called when a registry took another credential than before. Must not throw. */
  readonly onCredential?: (event: CredentialEvent) => void;
  /** Default: loopback registries only. */
  readonly plainHttp?: PlainHttp;
  /** Where hosts.toml files say which hosts serve a registry. Default: nowhere. */
  readonly hosts?: RegistryHostsOptions;
  /** Default: no request goes through a proxy. */
  readonly proxyOf?: ProxyOf;
  /** Certificates in PEM, trusted beside those that the runtime brings. */
  readonly ca?: string;
  /** Those that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<RegistryLimits>;
  /** Called for every HTTP request, also for those that are repeated. Must not throw. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Milliseconds since the epoch, for the expiry of what is remembered. Default: the system's clock. */
  readonly nowMs?: () => number;
  /**
   * Ask the referrers API and the tag that stands in for it at once: a round trip less at registries
   * without the API, a request more at those with it. For a process that judges one image. Default:
   * one after the other.
   */
  readonly asksTagAlongside?: boolean;
}

/** containerd's `certs.d`. */
export interface RegistryHostsOptions {
  readonly files: HostFiles;
  /** Directories, of which the first that has something for a registry decides. */
  readonly roots: () => readonly string[];
  /** Called for a hosts.toml that is passed over. Must not throw. */
  readonly onFault?: OnHostsFault;
}

/**
 * Reads from registries over connections and tokens that are kept. Each method throws AgentError:
 * `registry_unreachable`, `registry_timeout`, `registry_denied`, `registry_not_found`,
 * `registry_busy`, `registry_failed`, `registry_redirect_refused`, `registry_hosts_invalid`,
 * `content_too_large`, `content_mismatch` or, for a registry that is no host, `reference_invalid`. When `signal` ends it,
 * it throws the signal's reason if that is an AgentError and `deadline_exceeded` otherwise.
 * Registry and repository must be as `parseReference` gave them.
 */
export interface RegistryClient {
  /**
   * The descriptor of what a tag or digest names; a digest in the reference decides over its tag.
   * The digest of a tag is the registry's word until the manifest is fetched by it. Also throws
   * `reference_invalid` (neither tag nor digest) and `manifest_invalid` (not a manifest or index).
   */
  resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor>;
  /** The bytes of a manifest, with the descriptor's digest, size and media type; at most 4 MiB. */
  fetchManifest(
    repository: RepositoryName,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** The bytes of a blob, with the descriptor's digest and size. */
  fetchBlob(
    repository: RepositoryName,
    descriptor: Descriptor,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /**
   * The descriptors of what refers to `subject` and has `artifactType`, by the registry's word: the
   * manifests themselves must be checked. Also throws `manifest_invalid`.
   */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<Referrers>;
  /** The same by the referrers API of the registry itself; `undefined` if it does not have it. */
  listReferrersByApi(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<Referrers | undefined>;
  /** The same without mirrors: after a list of `mirror`. */
  listReferrersOfRegistry(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<Referrers>;
  /** Breaks off what is under way and closes all connections. */
  close(): Promise<void>;
}

/** Opens no connection yet. Throws `setting_invalid` if `ca` is not PEM. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const credentials = options.credentials ?? (() => Promise.resolve([]));
  const nowMs = options.nowMs ?? Date.now;
  const transport = options.createTransport({ ...options, limits });
  const authorizer = new Authorizer({ ...options, transport, limits, credentials, nowMs });
  const memory = new HostMemory(nowMs);
  const { plainHttp, hosts: { files = NO_FILES, roots = () => [], onFault } = {} } = options;
  const source = new HostSource({ files, roots, plainHttp }, nowMs, onFault);
  const sessionOf = (host: RegistryHost) =>
    createSession(
      { ...options, transport, authorizer, limits, referrers: memory.referrersOf(host) },
      host,
    );
  const turnOf = async (repository: RepositoryName, isAble: (host: RegistryHost) => boolean) => {
    const all = await source.of(repository.registry);
    return { repository, hosts: all.filter(isAble), memory, limits };
  };
  const ask = async <T>(
    turn: Promise<Turn>,
    work: (session: Session, within: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ) => askInTurn(await turn, (host, within) => work(sessionOf(host), within), signal);
  const list = async (
    turn: Promise<Turn>,
    work: (session: Session, within: AbortSignal) => Promise<Referrers>,
    signal: AbortSignal,
  ) => listInTurn(await turn, (host, within) => work(sessionOf(host), within), signal);
  return {
    resolve: (reference, signal) =>
      ask(
        turnOf(reference, reference.digest === undefined ? canResolve : canPull),
        (session, within) => resolve(session, reference, within),
        signal,
      ),
    fetchManifest: (repository, descriptor, signal) =>
      ask(
        turnOf(repository, canPull),
        (session, within) => fetchManifest(session, repository, descriptor, within),
        signal,
      ),
    fetchBlob: (repository, descriptor, maxBytes, signal) =>
      ask(
        turnOf(repository, canPull),
        (session, within) => fetchBlob(session, repository, descriptor, maxBytes, within),
        signal,
      ),
    listReferrers: (repository, subject, artifactType, signal) =>
      list(
        turnOf(repository, canPull),
        (session, within) => listReferrers(session, repository, subject, artifactType, within),
        signal,
      ),
    listReferrersByApi: (repository, subject, artifactType, signal) =>
      ask(
        registryItself(turnOf(repository, canPull)),
        (session, within) => listReferrersByApi(session, repository, subject, artifactType, within),
        signal,
      ),
    listReferrersOfRegistry: (repository, subject, artifactType, signal) =>
      list(
        registryItself(turnOf(repository, canPull)),
        (session, within) => listReferrers(session, repository, subject, artifactType, within),
        signal,
      ),
    close: () => transport.close(),
  };
}

async function registryItself(turn: Promise<Turn>): Promise<Turn> {
  const { hosts, ...rest } = await turn;
  return { ...rest, hosts: hosts.slice(-1) };
}

const NO_FILES: HostFiles = {
  read: () => Promise.resolve(null),
  list: () => Promise.resolve(null),
};

function canPull(host: RegistryHost): boolean {
  return host.canPull;
}

function canResolve(host: RegistryHost): boolean {
  return host.canResolve;
}

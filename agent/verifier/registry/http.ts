// The shape of an HTTP request and its response, as the registry client sees them.
import type { ProxyOf } from '../proxies/rules.ts';
import type { HostConnection } from './hosts/connection.ts';
import type { RegistryLimits } from './limits.ts';

/** What a request is for; a metric label. */
export type Operation = 'resolve' | 'referrers' | 'manifest' | 'blob' | 'token';

export interface HttpRequest {
  /** POST is for a token service, and only it has a body. */
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** May hold a secret. */
  readonly body?: string;
  readonly operation: Operation;
  /** Default: as all of the client's are made. */
  readonly connection?: HostConnection | undefined;
  /** Whose image it is for, as references name it; redirects and token services lead elsewhere. */
  readonly registry: string;
  /** The object that is asked for, as errors name it. */
  readonly what: string;
}

/** A response whose body is still to come: it is read or discarded, always one of the two. */
export interface HttpResponse {
  readonly status: number;
  /** A header by its lower-case name; repeated headers are joined by commas. */
  header(name: string): string | undefined;
  /**
   * The whole body. Throws `content_too_large` beyond `maxBytes`, without reading further,
   * `content_mismatch` if it is compressed, and what `Transport.send` throws.
   */
  read(maxBytes: number): Promise<Uint8Array>;
  /** Lets the body go, and keeps the connection if little is left of it. Never throws. */
  discard(): Promise<void>;
}

/** Sends requests over kept connections. Follows no redirects and knows no credentials. */
export interface Transport {
  /**
   * Any status is a response. Throws `registry_unreachable`, `registry_timeout`, `registry_failed`
   * (not HTTP), `content_too_large` (headers), or `deadline_exceeded` if `signal` ended it; a
   * signal whose reason is an AgentError ends it with that.
   */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Breaks off whatever is still under way. */
  close(): Promise<void>;
}

/** What a transport is made from. */
export interface TransportOptions {
  readonly limits: RegistryLimits;
  readonly userAgent: string;
  /** Certificates in PEM that are trusted beside those that the runtime brings. */
  readonly ca?: string;
  readonly onRequest?: (event: RequestEvent) => void;
  /** Default: no request goes through a proxy. Throws `registry_unreachable` for one that cannot be used. */
  readonly proxyOf?: ProxyOf;
}

/** Opens no connection yet. Throws `setting_invalid` if `ca` is not PEM. */
export type CreateTransport = (options: TransportOptions) => Transport;

/** One HTTP request as metrics count it. */
export interface RequestEvent {
  readonly operation: Operation;
  /** Attacker-controlled: whoever makes a pod names it. */
  readonly registry: string;
  /** `undefined` if none came. */
  readonly status: number | undefined;
  /** Until the headers, or until there was no hope of them. */
  readonly durationMs: number;
}

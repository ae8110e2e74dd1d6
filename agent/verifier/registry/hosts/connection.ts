// How connections to one host are made, where that differs from the client's own way.

/** A certificate that this client shows, and its key, as PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  /** A secret: never shown. */
  readonly key: string;
}

/** What a hosts.toml says of connections. */
export interface HostConnection {
  /** The same for the same content: connections are shared by it. */
  readonly id: string;
  /** PEM of certificate authorities to trust beside the client's own. */
  readonly ca: string;
  readonly clientCertificates: readonly ClientCertificate[];
  /** The server's certificate is not looked at. What it serves is still judged by digest and signature. */
  readonly skipVerify: boolean;
  /** Default: `RegistryLimits.connectMs`. */
  readonly dialTimeoutMs: number | undefined;
}

/** What is left of it for another origin that the host redirects to: nothing that says who asks. */
export function withoutClient(connection: HostConnection): HostConnection {
  if (connection.clientCertificates.length === 0) return connection;
  return { ...connection, id: `${connection.id} without client`, clientCertificates: [] };
}

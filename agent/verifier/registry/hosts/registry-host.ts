// One host to ask for a registry's content.
import type { HostConnection } from './connection.ts';

/** A mirror of a registry, or what serves the registry itself. */
export interface RegistryHost {
  /** What paths of the distribution API are relative to, such as `https://mirror.example/v2/`. */
  readonly root: URL;
  /** Whether a tag may be resolved by it, and not only content be fetched by digest. */
  readonly canResolve: boolean;
  readonly canPull: boolean;
  /** It serves under another name than the registry's, and is told of it. */
  readonly isMirror: boolean;
  /** Sent with every request to it and to its token service. May hold a secret: never shown. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where the client's own way will do. */
  readonly connection: HostConnection | undefined;
}

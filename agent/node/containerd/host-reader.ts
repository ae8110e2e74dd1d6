// What is read of the host's files: an interface, so that a tree in memory or a mounted root can stand for the host.

/** Paths are absolute paths of the host; symbolic links are followed as the host would follow them. */
export interface HostReader {
  /** The first `maxBytes` of a file and one byte more, if there are more. Null when there is none. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** The names in a directory, in no order. Null when there is none. Throws for what is no directory. */
  list(path: string): Promise<readonly string[] | null>;
  /** Null when there is nothing, or a symbolic link to nothing. */
  stat(path: string): Promise<HostEntry | null>;
  /** What a symbolic link says. Null when there is none. */
  readLink(path: string): Promise<string | null>;
}

/** What is at a path. */
export interface HostEntry {
  readonly kind: 'file' | 'directory' | 'other';
  /** Anybody may execute it. Says nothing about a mount with `noexec`. */
  readonly isExecutable: boolean;
  /** When its content, name or attributes last changed (ctime, which nobody can set back). */
  readonly changedAt: Date;
}

// What the host should hold, what it holds, and the steps between the two.
import type { Content } from './content.ts';
import type { Attributes } from './host-fs.ts';
import type { Place } from './layout.ts';
import type { Manifest } from './manifest.ts';

/** A file that the host should hold. */
export interface DesiredFile extends Attributes {
  readonly path: string;
  readonly content: Content;
}

/** The files that each place should hold. A place that is absent is left as it is. */
export type DesiredFiles = ReadonlyMap<Place, readonly DesiredFile[]>;

/** What stands at a path of the host. A `mount` hides what we see nothing of and cannot replace. */
export type Actual =
  | (Attributes & { readonly kind: 'file'; readonly sha256: string })
  | (Attributes & { readonly kind: 'directory' })
  | { readonly kind: 'symlink' | 'other' }
  | { readonly kind: 'mount'; readonly at: string };

/** What the host holds. A path that is not in `entries` was looked at and is not there. */
export interface HostState {
  readonly entries: ReadonlyMap<string, Actual>;
  /** Staging directories that a killed run left. */
  readonly leftovers: readonly string[];
  readonly manifest: Manifest;
}

/** One change. Each leaves the host in a state that the next run can go on from. */
export type Step =
  | { readonly kind: 'clean'; readonly path: string }
  | ({ readonly kind: 'mkdir'; readonly path: string } & Attributes)
  | ({ readonly kind: 'write'; readonly stagingDir: string } & DesiredFile)
  | ({ readonly kind: 'chmod'; readonly path: string } & Attributes)
  | { readonly kind: 'remove'; readonly path: string }
  /** Removes a directory if nothing is left in it. */
  | { readonly kind: 'rmdir'; readonly path: string };

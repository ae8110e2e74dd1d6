// What the status page is made from, as values; all texts may be anything.
import type { EnforcementStateName, ImageCause, ImageState, ModeName } from '../labels.ts';
import type { InventoryCounts } from '../sources.ts';
import type { ImageFilter } from './image-filter.ts';

/** Policy or trust in force. */
export interface PageGeneration {
  /** '' while there is none. */
  readonly hash: string;
  readonly loadedAt: Date | null;
}

/** A certificate that is trusted. */
export interface PageCertificate {
  readonly store: string;
  readonly subject: string;
  readonly notAfter: Date;
}

/** An image with what is known of it. */
export interface PageImage {
  /** '' where none is known. */
  readonly name: string;
  /** How many other names it has. */
  readonly others: number;
  readonly digest: string | null;
  readonly state: ImageState;
  readonly cause: ImageCause;
  /** Whether somebody should look. */
  readonly needsLook: boolean;
  readonly since: Date | null;
  /** Code of the last verdict; null when nobody has looked. */
  readonly reason: string | null;
  readonly message: string;
  readonly signer: string | null;
  readonly runsIn: readonly string[];
}

/** What came of a pull. */
export interface PagePull {
  readonly at: Date;
  readonly image: string;
  readonly digest: string | null;
  /** Whether containerd let it in. */
  readonly isAdmitted: boolean;
  readonly decision: string;
  readonly reason: string;
  readonly message: string;
  readonly mode: string;
}

/** What not everybody may see who may see the rest: what images there are. */
export interface PageDetails {
  readonly filter: ImageFilter;
  /** Those that match, or the first of them. */
  readonly images: readonly PageImage[];
  readonly matching: number;
  readonly total: number;
  /** The last ones, the last first. */
  readonly pulls: readonly PagePull[];
}

/** Everything that the page shows. */
export interface PageContent {
  readonly now: Date;
  readonly version: string;
  /** Null where Kubernetes' name of the node is not known. */
  readonly node: string | null;
  readonly state: EnforcementStateName;
  readonly causes: readonly {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  }[];
  readonly provedAt: Date | null;
  readonly mode: ModeName;
  readonly breakGlass: {
    readonly state: 'absent' | 'active' | 'ignored';
    readonly message: string;
  };
  /** Why the agent is not ready. */
  readonly problems: readonly string[];
  readonly policy: PageGeneration;
  readonly trust: PageGeneration & {
    /** Those that expire first, the first first. */
    readonly certificates: readonly PageCertificate[];
    readonly total: number;
  };
  readonly inventory: InventoryCounts;
  /** Null while nothing is read. */
  readonly journalLagSeconds: number | null;
  /** Null where the setting does not let them be shown. */
  readonly details: PageDetails | null;
}

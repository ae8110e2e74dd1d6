// The numbers that others keep and that metrics read when Prometheus asks.
import type { TrustStoreType } from '../notation/trustpolicy/trust-store-name.ts';
import type { Staleness } from '../verifier/evidence-sources.ts';
import type { Decision, Reason } from '../notation/verification/verdict.ts';
import type {
  CanaryResultName,
  ContainerdEventName,
  EnforcementStateName,
  ImageCause,
  ImageState,
  LogSourceName,
  ModeName,
  VerdictSource,
} from './labels.ts';

/** What the ledger has counted since it was created. */
export interface Totals {
  readonly verdicts: readonly {
    readonly source: VerdictSource;
    readonly decision: Decision;
    readonly reason: Reason;
    /** Whether the pull was bound by it; `none` for what was no pull. */
    readonly mode: 'enforce' | 'audit' | 'break_glass' | 'none';
    readonly count: number;
  }[];
  readonly containerdEvents: readonly {
    readonly event: ContainerdEventName;
    readonly count: number;
  }[];
}

/** How many images there are of a kind. */
export interface ImageCount {
  readonly state: ImageState;
  readonly cause: ImageCause;
  readonly count: number;
}

/** How many containers run images of a state. */
export interface ContainerCount {
  readonly state: ImageState;
  readonly count: number;
}

/** What is on the node, and what of it runs. */
export interface InventoryCounts {
  readonly images: readonly ImageCount[];
  readonly containers: readonly ContainerCount[];
}

/** How far the reading of a source of the log is behind. */
export interface LogLag {
  readonly source: LogSourceName;
  readonly seconds: number | null;
}

/** What is known of this node's enforcement. */
export interface EnforcementReading {
  readonly state: EnforcementStateName;
  /** Codes of its causes. */
  readonly causes: readonly string[];
  /** Null when no canary has proved it yet. */
  readonly provedAt: Date | null;
  /** When the last canary began, and how it ended; null before the first. */
  readonly lastCanary: { readonly at: Date; readonly result: CanaryResultName } | null;
}

/** Where the state of enforcement comes from. */
export interface EnforcementSource {
  /** Asked once per scrape, because a proof grows old without an event. */
  readonly enforcement: () => EnforcementReading;
  /** The closed set of the codes of causes. */
  readonly causeCodes: readonly string[];
  /** Time between two canaries. */
  readonly canaryIntervalMs: number;
}

/** What the ledger knows of its audit trail, and how much room it takes. */
export interface AuditSource {
  readonly flips: () => readonly {
    readonly from: Decision;
    readonly to: Decision;
    readonly count: number;
  }[];
  readonly disagreements: () => readonly {
    readonly kind: string;
    readonly cause: string;
    readonly count: number;
  }[];
  /** In bytes. */
  readonly ledgerSpace: () => { readonly file: number; readonly free: number };
}

/** What is known of registries. */
export interface RegistrySource {
  /** Whether the policy in force names it; asked when a registry is first seen. */
  readonly namesRegistry: (registry: string) => boolean;
}

/** What is in force, and until when. */
export interface TrustSource {
  readonly trust: () => {
    /** In hexadecimal; empty for none. */
    readonly policyHash: string;
    readonly trustHash: string;
    readonly expiries: readonly { readonly type: TrustStoreType; readonly at: Date }[];
  } & Staleness;
}

/** What the ledger knows of pulls. */
export interface PullSource {
  readonly pulls: () => readonly {
    readonly judgement: string;
    readonly cause: string;
    readonly mode: string;
    readonly count: number;
  }[];
}

/** Where the values come from that others keep; each is called once per scrape. */
export interface MetricSources
  extends EnforcementSource, AuditSource, PullSource, RegistrySource, TrustSource {
  readonly version: string;
  /** Set for this node. */
  readonly mode: ModeName;
  /** When break-glass expires; null while there is none. */
  readonly breakGlass: () => Date | null;
  readonly totals: () => Totals;
  readonly inventory: () => InventoryCounts;
  /** How far the reading of each source of the log is behind; null when not known. */
  readonly logLags: () => readonly LogLag[];
}

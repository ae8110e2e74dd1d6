// The metrics of the host's files: what we changed there, and what others did.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { DRIFT_KINDS, DRIFT_PLACES, type DriftKindName, type DriftPlaceName } from './labels.ts';

/** Told by who looks after the host. */
export interface HostMetrics {
  setVerifierInstalled(installed: boolean): void;
  countHostChanges(count: number): void;
  /** Others touched a file of ours, or a directory that we made. */
  countHostDrift(place: DriftPlaceName, kind: DriftKindName): void;
}

/** Declares them. */
export function declareHost(registry: Registry): HostMetrics {
  const { counter, gauge } = declarers(registry);
  const installed = gauge('verifier_installed', '1 if the host held the verifier at last sight.');
  const changes = counter('host_changes_total', 'Files written, changed or removed on the host.');
  const help = 'Files of ours on the host, and directories, found touched by others.';
  const drift = counter('host_drift_total', help, 'place', 'kind');
  for (const place of DRIFT_PLACES) for (const kind of DRIFT_KINDS) drift.inc({ place, kind }, 0);
  return {
    setVerifierInstalled: (value) => installed.set(Number(value)),
    countHostChanges: (count) => changes.inc(count),
    countHostDrift: (place, kind) => drift.inc({ place, kind }),
  };
}

// Tells Kubernetes whether a node enforces: the label of its Node object, and a condition of its status.
import { type ApiClientOptions, sendPatch } from './api-client.ts';
import {
  CONDITION_CLEARING,
  conditionPatch,
  ENFORCEMENT_CONDITION,
  type EnforcementReport,
  LABEL_CLEARING,
  labelPatch,
} from './enforcement-report.ts';
import { parseConditionStatus, parseNode } from './reply.ts';

/**
 * Sets label and condition of the Node; both are there on return. The answer to the first patch is
 * the whole Node with its conditions, so no right but to patch is needed. Throws
 * `kubernetes_failed`; then nothing, or only the label may have been set.
 */
export async function reportEnforcement(
  api: ApiClientOptions,
  nodeName: string,
  report: EnforcementReport,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const path = pathOf(nodeName);
  const label = { path, type: 'application/merge-patch+json', value: labelPatch(report) } as const;
  const labelled = await sendPatch(api, label, signal);
  const before = parseConditionStatus(labelled, nodeName, ENFORCEMENT_CONDITION);
  const condition = {
    path: `${path}/status`,
    type: 'application/strategic-merge-patch+json',
    value: conditionPatch(report, before, now),
  } as const;
  parseNode(await sendPatch(api, condition, signal), nodeName);
}

/** Takes both off the Node; without them it does nothing. Throws as `reportEnforcement`. */
export async function clearEnforcement(
  api: ApiClientOptions,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  const path = pathOf(nodeName);
  const label = { path, type: 'application/merge-patch+json', value: LABEL_CLEARING } as const;
  parseNode(await sendPatch(api, label, signal), nodeName);
  const condition = {
    path: `${path}/status`,
    type: 'application/strategic-merge-patch+json',
    value: CONDITION_CLEARING,
  } as const;
  parseNode(await sendPatch(api, condition, signal), nodeName);
}

function pathOf(nodeName: string): string {
  return `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
}

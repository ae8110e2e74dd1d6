// The enforcement state as the Node object of Kubernetes carries it: a label, and a condition. Pure.
import { shownText, timeText } from './shown-text.ts';

/** What is told of this node's enforcement. */
export interface EnforcementReport {
  readonly state: 'enforcing' | 'bypassed' | 'unknown';
  /** Those that decided first. */
  readonly causes: readonly { readonly code: string; readonly message: string }[];
  /** When the last canary began that proved it; null when none did. */
  readonly provedAt: Date | null;
}

/** For node selectors and affinities; its value is the state. */
export const ENFORCEMENT_LABEL = 'nodeseal.io/enforcement';
/** For people and for what alerts on conditions of nodes. */
export const ENFORCEMENT_CONDITION = 'NodesealEnforcing';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

const STATUSES = { enforcing: 'True', bypassed: 'False', unknown: 'Unknown' } as const;

/** Kubernetes lets a message be longer, but it is in every copy of the Node that anybody watches. */
const MAX_MESSAGE_LENGTH = 1024;

/** A patch of the type `application/merge-patch+json` for the Node. */
export function labelPatch({ state }: EnforcementReport): object {
  return { metadata: { labels: { [ENFORCEMENT_LABEL]: state } } };
}

/** Takes the label away again; a patch of the same type. */
export const LABEL_CLEARING = { metadata: { labels: { [ENFORCEMENT_LABEL]: null } } };

/** Takes the condition away again; a patch of the type `application/strategic-merge-patch+json`. */
export const CONDITION_CLEARING = {
  status: { conditions: [{ $patch: 'delete', type: ENFORCEMENT_CONDITION }] },
};

/**
 * A patch of the type `application/strategic-merge-patch+json` for the Node's status: conditions are
 * merged by their type, so the others stay. The time of the last transition is in the patch only
 * when the status is another than `before`, that of the condition that is there; so else it stays.
 * True beside causes stays `Proved`: these are told in the message.
 */
export function conditionPatch(
  report: EnforcementReport,
  before: ConditionStatus | undefined,
  now: Date,
): object {
  const status = STATUSES[report.state];
  const condition = {
    type: ENFORCEMENT_CONDITION,
    status,
    reason: reasonOf(report),
    message: messageOf(report),
    lastHeartbeatTime: timeText(now),
    ...(status === before ? {} : { lastTransitionTime: timeText(now) }),
  };
  return { status: { conditions: [condition] } };
}

function reasonOf({ state, causes: [first] }: EnforcementReport): string {
  return state === 'enforcing' ? 'Proved' : camelCase(first?.code ?? state);
}

/** `use_local_image_pull` as `UseLocalImagePull`. */
function camelCase(code: string): string {
  return code
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function messageOf({ causes, provedAt }: EnforcementReport): string {
  const proof = provedAt === null ? 'Not proved yet.' : `Last proved at ${timeText(provedAt)}.`;
  const text = [proof, ...causes.map(({ message }) => message)].join(' ');
  return shownText(text, MAX_MESSAGE_LENGTH);
}

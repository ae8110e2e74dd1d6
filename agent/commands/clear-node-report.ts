// Takes what the agent told Kubernetes off the Node object: nobody would keep it up to date any more.
import type { Config } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import { ENFORCEMENT_CONDITION, ENFORCEMENT_LABEL } from '../node/kubernetes/enforcement-report.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../node/kubernetes/in-cluster.ts';
import { clearEnforcement } from '../node/kubernetes/report-enforcement.ts';

/** What became of it. */
export interface NodeReportCleared {
  readonly node: string;
  readonly isCleared: boolean;
  /** Why not. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

/** What is taken off is a courtesy: an API server that does not answer holds up nobody for longer. */
const CLEAR_MS = 10_000;

/**
 * Takes label and condition off; with `dryRun`, tries nothing. Null where no node is named. What fails
 * is told, never thrown.
 */
export async function clearNodeReport(
  { nodeName: node }: Config,
  environment: Readonly<Record<string, string | undefined>>,
  dryRun: boolean,
  signal: AbortSignal,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): Promise<NodeReportCleared | null> {
  if (node === undefined) return null;
  if (dryRun) return { node, isCleared: false, fault: null };
  try {
    const api = { server: parseApiServer(environment), serviceAccountDir };
    await withDeadline(signal, CLEAR_MS, (within) => clearEnforcement(api, node, within));
    return { node, isCleared: true, fault: null };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { code, message } = error;
    return { node, isCleared: false, fault: { code, message } };
  }
}

/** For a person: what was done or would be, or the warning of what is left. */
export function clearedLines({ node, isCleared, fault }: NodeReportCleared): readonly string[] {
  const what = `label ${ENFORCEMENT_LABEL} and condition ${ENFORCEMENT_CONDITION} of node ${node}`;
  if (fault === null) return [`${isCleared ? 'removed' : 'would remove'}  ${what}`];
  return [`warning  ${fault.code}: the ${what} may be left: ${fault.message}`];
}

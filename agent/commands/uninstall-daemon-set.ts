// `nodeseal uninstall --daemonset`: has every pod of a DaemonSet uninstall from its host, and waits for all.
import { type Clock, SYSTEM_CLOCK } from '../audit/clock.ts';
import { AgentError } from '../errors.ts';
import type { ApiClientOptions } from '../node/kubernetes/api-client.ts';
import {
  type DaemonPod,
  type DaemonSetName,
  type DaemonSetState,
  isRolledOut,
  parseDaemonSetName,
} from '../node/kubernetes/daemon-set.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../node/kubernetes/in-cluster.ts';
import {
  listDaemonPods,
  readDaemonSet,
  startUninstalling,
} from '../node/kubernetes/uninstall-pods.ts';
import type { OutputFormat } from './arguments.ts';
import type { CommandContext, ExitCode } from './command.ts';
import { jsonLine, textLines } from './output.ts';

/** What waiting for a cluster needs. */
export interface DaemonSetUninstall {
  readonly api: ApiClientOptions;
  readonly name: DaemonSetName;
  readonly waitMs: number;
  readonly clock: Clock;
  /** Told of every step, in one line. */
  readonly onProgress: (line: string) => void;
}

/** How far it came. */
export interface DaemonSetUninstalled {
  /** Nodes that were to be cleaned. */
  readonly nodes: number;
  readonly clean: number;
  /** Those of the others that are known, in the order of their names. */
  readonly notReached: readonly string[];
  /** Why the API server could not be asked in the end. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

/** Below the 5 minutes that Helm waits for a hook, so that it is us who say which nodes are missing. */
export const DAEMON_SET_WAIT_MS = 4 * 60_000;
/** A pod takes seconds to be replaced. */
const LOOK_MS = 2_000;

/** The value of `--daemonset`. Throws `argument_invalid`. */
export function daemonSetNamed(text: string): DaemonSetName {
  const name = parseDaemonSetName(text);
  if (name !== undefined) return name;
  const found = JSON.stringify(text);
  throw new AgentError('argument_invalid', `--daemonset: expected NAMESPACE/NAME, found ${found}`);
}

/** From the command line to its exit code. Throws as `uninstallDaemonSet`, and outside a pod. */
export async function runDaemonSetUninstall(
  { environment, stdout, stderr, signal }: CommandContext,
  asked: Pick<DaemonSetUninstall, 'name' | 'waitMs'> & { readonly format: OutputFormat },
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): Promise<ExitCode> {
  const { format, ...what } = asked;
  const api = { server: parseApiServer(environment), serviceAccountDir };
  // It is to be seen while it goes on, also by who reads the result as JSON.
  const progress = format === 'text' ? stdout : stderr;
  const onProgress = (line: string) => void progress.write(textLines([line]));
  const done = await uninstallDaemonSet({ ...what, api, clock: SYSTEM_CLOCK, onProgress }, signal);
  const isClean = done.clean >= done.nodes && done.notReached.length === 0;
  if (format === 'json') stdout.write(jsonLine(done));
  else if (!isClean) stderr.write(textLines(notCleanLines(done)));
  return isClean && done.fault === null ? 0 : 1;
}

/**
 * Throws `kubernetes_failed` when nothing could be begun. Once it has begun, an API server that does
 * not answer is asked again until the time is over.
 */
export async function uninstallDaemonSet(
  { api, name, waitMs, clock, onProgress }: DaemonSetUninstall,
  signal: AbortSignal,
): Promise<DaemonSetUninstalled> {
  let state = await startUninstalling(api, name, signal);
  let fault: DaemonSetUninstalled['fault'] = null;
  let told = '';
  const end = clock.now().getTime() + waitMs;
  for (;;) {
    const line = state.isObserved ? progressOf(state) : 'the pods are asked to uninstall';
    if (line !== told) onProgress(line);
    told = line;
    if (fault === null && isRolledOut(state)) {
      return { nodes: state.desired, clean: state.desired, notReached: [], fault: null };
    }
    if (clock.now().getTime() >= end || signal.aborted) break;
    await clock.sleep(LOOK_MS, signal);
    [state, fault] = await look(() => readDaemonSet(api, name, signal), state);
  }
  const [pods, listFault] = await look(() => listDaemonPods(api, name, state, signal), []);
  return { ...summaryOf(state, pods), fault: fault ?? listFault };
}

function progressOf({ desired, updated, ready }: DaemonSetState): string {
  return `${Math.min(updated, ready)} of ${desired} nodes are clean`;
}

function summaryOf({ desired }: DaemonSetState, pods: readonly DaemonPod[]) {
  const done = new Set(pods.filter(({ isDone }) => isDone).map(({ node }) => node));
  const others = pods.map(({ node }) => node).filter((node) => node !== '' && !done.has(node));
  return { nodes: desired, clean: done.size, notReached: [...new Set(others)].sort() };
}

/** What it resolves to, or `otherwise` and why. */
async function look<T>(
  action: () => Promise<T>,
  otherwise: T,
): Promise<[T, DaemonSetUninstalled['fault']]> {
  try {
    return [await action(), null];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { code, message } = error;
    return [otherwise, { code, message }];
  }
}

/** For a person: which nodes are left, and what to do about them. */
export function notCleanLines({
  nodes,
  clean,
  notReached,
  fault,
}: DaemonSetUninstalled): readonly string[] {
  const unnamed = Math.max(0, nodes - clean - notReached.length);
  return [
    ...(fault === null ? [] : [`warning  ${fault.code}: ${fault.message}`]),
    ...notReached.map((node) => `not clean  ${node}`),
    ...(unnamed === 0 ? [] : [`not clean  ${unnamed} more, which have no pod yet`]),
    'run it again once they answer: what is clean stays so',
  ];
}

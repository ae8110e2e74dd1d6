// Keeps the ledger's containers those that run.
import { Alarm } from './alarm.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { NodeContainer } from './container.ts';
import type { RunningContainers } from './running-containers.ts';
import { resubscribe, settled, type SubscriptionOptions } from './subscription.ts';

/** Where containers are told of; `agent/node/containerd` talks to it. */
export interface ContainerSource {
  /** One item whenever a container may have begun or ended; rejects when the stream breaks. */
  events(signal: AbortSignal): AsyncIterable<unknown>;
  /** All that have not ended. */
  list(signal: AbortSignal): Promise<readonly NodeContainer[]>;
}

export interface ContainersOptions extends SubscriptionOptions {
  readonly containers: Pick<RunningContainers, 'reconcile'>;
  readonly source: ContainerSource;
  /** Other containers run than before. */
  readonly onChange?: () => void;
}

/**
 * After the first event that was not looked at yet: a pod begins with several. No node is listed more
 * often than this, however fast its containers fail.
 */
const SOON_MS = 1000;
/**
 * After that once more: CRI learns of an end by the same event, and may do so later than we. And after
 * the first look, when images are listed too: what a container runs is known by the record it names.
 */
const SETTLED_MS = 10 * 1000;
/** Without any event: containerd neither acknowledges a subscription nor replays what was missed. */
const RECONCILE_MS = 10 * 60 * 1000;

/**
 * Follows until the signal aborts, subscribing again whenever the stream breaks. Rejects with
 * `ledger_failed` and with what is no AgentError; everything else is an incident.
 */
export function followContainers(options: ContainersOptions, signal: AbortSignal): Promise<void> {
  return resubscribe((within) => subscription(options, within), options, signal);
}

async function subscription(options: ContainersOptions, signal: AbortSignal): Promise<void> {
  const { source, clock = SYSTEM_CLOCK } = options;
  const ended = new AbortController();
  const within = AbortSignal.any([signal, ended.signal]);
  const events = source.events(within)[Symbol.asyncIterator]();
  try {
    let next = settled(events.next());
    await reconcile(options, within);
    const alarm = new Alarm(clock, within);
    let rings = alarm.set(SETTLED_MS);
    let isNews = false;
    for (;;) {
      // The alarm first: a storm of events must not put off the look that it asks for.
      const turn = await Promise.race([rings, next]);
      if (within.aborted) return;
      if (turn === undefined) {
        await reconcile(options, within);
        rings = alarm.set(isNews ? SETTLED_MS : RECONCILE_MS);
        isNews = false;
      } else if (turn.failed) {
        throw turn.error;
      } else if (turn.result.done === true) {
        return;
      } else {
        if (!isNews) rings = alarm.set(SOON_MS);
        isNews = true;
        next = settled(events.next());
      }
    }
  } finally {
    ended.abort();
  }
}

async function reconcile(options: ContainersOptions, signal: AbortSignal): Promise<void> {
  const { containers, source, clock = SYSTEM_CLOCK, onChange } = options;
  const running = await source.list(signal);
  if (signal.aborted) return;
  if (containers.reconcile(running, clock.now())) onChange?.();
}

// Keeps the ledger's images those of containerd's image store.
import { AgentError, type ErrorCode } from '../errors.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { ImageRecord } from './image-key.ts';
import type { Ledger } from './ledger.ts';
import { resubscribe, settled, type SubscriptionOptions } from './subscription.ts';

/** A record came, changed or went. What it points at now is `get`'s to say. */
export interface ImageEvent {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly name: string;
}

/** containerd's image store; `agent/node/containerd` talks to it. */
export interface ImageSource {
  /** Subscribes when iterated; rejects when the stream breaks. Nothing is replayed. */
  events(signal: AbortSignal): AsyncIterable<ImageEvent>;
  /** All records, and an error for each that could not be read. */
  list(
    signal: AbortSignal,
  ): Promise<{ readonly images: readonly ImageRecord[]; readonly invalid: readonly AgentError[] }>;
  /** One record, null when there is none by that name. */
  get(name: string, signal: AbortSignal): Promise<ImageRecord | null>;
}

export interface InventoryOptions extends SubscriptionOptions {
  readonly ledger: Pick<Ledger, 'recordImage' | 'forgetImage' | 'reconcileImages'>;
  readonly source: ImageSource;
  /** The node has another image, or one image less. */
  readonly onChange?: () => void;
  /** The list is in the ledger: from now on it says what is on the node. */
  readonly onReconciled?: () => void;
  /**
   * Between two lists. containerd neither acknowledges a subscription nor replays an event, so what
   * was missed is found here. Default 10 minutes.
   */
  readonly reconcileMs?: number;
}

const RECONCILE_MS = 10 * 60 * 1000;
/** A record that says nonsense is one image; the connection is sound. */
const RECORD_CODES: ReadonlySet<ErrorCode> = new Set([
  'reference_invalid',
  'descriptor_invalid',
  'digest_invalid',
]);

/**
 * Follows the image store until the signal aborts, subscribing again whenever the stream breaks.
 * Rejects with `ledger_failed` and with what is no AgentError; everything else is an incident.
 */
export function followInventory(options: InventoryOptions, signal: AbortSignal): Promise<void> {
  return resubscribe((within) => subscription(options, within), options, signal);
}

// One subscription. The list is asked for once events are being received, and so is each record
// after an event: whatever happened in between, the last answer is the newer one.
async function subscription(options: InventoryOptions, signal: AbortSignal): Promise<void> {
  const { source, clock = SYSTEM_CLOCK, reconcileMs = RECONCILE_MS } = options;
  const ended = new AbortController();
  const within = AbortSignal.any([signal, ended.signal]);
  const events = source.events(within)[Symbol.asyncIterator]();
  try {
    let next = settled(events.next());
    await reconcile(options, within);
    let timer = clock.sleep(reconcileMs, within);
    for (;;) {
      const turn = await Promise.race([next, timer]);
      if (within.aborted) return;
      if (turn === undefined) {
        await reconcile(options, within);
        timer = clock.sleep(reconcileMs, within);
      } else if (turn.failed) {
        throw turn.error;
      } else if (turn.result.done === true) {
        return;
      } else {
        await refresh(options, turn.result.value.name, within);
        next = settled(events.next());
      }
    }
  } finally {
    ended.abort();
  }
}

async function reconcile(options: InventoryOptions, signal: AbortSignal): Promise<void> {
  const { ledger, source, clock = SYSTEM_CLOCK, onChange, onReconciled, onIncident } = options;
  const { images, invalid } = await source.list(signal);
  if (signal.aborted) return;
  for (const error of invalid) onIncident?.(error);
  const changed = ledger.reconcileImages(images, clock.now());
  onReconciled?.();
  if (changed) onChange?.();
}

// By what containerd says now, not by what the event said: a record that was deleted may be back.
async function refresh(
  options: InventoryOptions,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const { ledger, source, clock = SYSTEM_CLOCK, onChange, onIncident } = options;
  try {
    const record = await source.get(name, signal);
    if (signal.aborted) return;
    const changed =
      record === null ? ledger.forgetImage(name) : ledger.recordImage(record, clock.now());
    if (changed) onChange?.();
  } catch (error) {
    if (!(error instanceof AgentError) || !RECORD_CODES.has(error.code)) throw error;
    onIncident?.(error);
  }
}

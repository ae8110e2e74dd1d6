// What the API server of Kubernetes answers, and the Node that it answers a patch with, read. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import type { ConditionStatus } from './enforcement-report.ts';

/** An answer of the API server, not yet looked at. */
export interface Reply {
  readonly status: number;
  readonly body: Uint8Array;
  /** How long to leave the server alone; 0 or absent where it asks for nothing. */
  readonly retryAfterMs?: number;
}

/** A server that asks for more is not believed: what is to be told grows old. */
const MAX_RETRY_AFTER_S = 300;

/** Retry-After in seconds, as API servers write it; 0 for any other. */
export function parseRetryAfter(text: string | undefined): number {
  if (text === undefined || !/^\d{1,6}$/.test(text)) return 0;
  return Math.min(Number(text), MAX_RETRY_AFTER_S) * 1000;
}

const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;
const OK = 200;

/**
 * The status of the Node's condition of this type, or undefined where it has none of a known status.
 * Throws `kubernetes_failed` for an answer other than 200, and for one that is not this Node.
 */
export function parseConditionStatus(
  reply: Reply,
  nodeName: string,
  type: string,
): ConditionStatus | undefined {
  const node = parseNode(reply, nodeName);
  const conditions = isJsonObject(node['status']) ? node['status']['conditions'] : undefined;
  const list: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  const found = list.filter(isJsonObject).find((condition) => condition['type'] === type);
  return CONDITION_STATUSES.find((status) => status === found?.['status']);
}

/** The Node of this name. Throws as `parseConditionStatus`. */
export function parseNode({ status, body }: Reply, nodeName: string): JsonObject {
  const value = parseJson(body);
  if (status !== OK) throw failed(nodeName, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== 'Node') throw failed(nodeName, 'expected a Node');
  const { metadata } = value;
  const name = isJsonObject(metadata) ? metadata['name'] : undefined;
  if (name !== nodeName) throw failed(nodeName, 'expected this Node, found another');
  return value;
}

/** The value; undefined for no JSON: errors can be of a proxy, and then there is nothing to be told. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // No JSON: not a Node either, which is what the caller asks.
    return undefined;
  }
}

/** What an error says of itself, after a colon; '' if nothing. */
export function said(value: unknown): string {
  const message = isJsonObject(value) ? value['message'] : undefined;
  return typeof message === 'string' ? `: ${show(message)}` : '';
}

function failed(nodeName: string, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `patch of node ${nodeName}: ${fault}`);
}

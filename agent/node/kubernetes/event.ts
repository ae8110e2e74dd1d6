// Events of Kubernetes: what happened to a pod or a Node, for who looks at it. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { eventHash } from './event-hash.ts';
import { parseJson, type Reply, said } from './reply.ts';
import { shownText, timeText } from './shown-text.ts';

/** What an Event is on. Its texts are untrusted. */
export interface EventSubject {
  readonly kind: 'Pod' | 'Node';
  /** '' of a Node. */
  readonly namespace: string;
  readonly name: string;
  /** Of a Node: its name, as kubelet has it. */
  readonly uid: string;
  /** A container of a pod, as `spec.containers{NAME}`; '' for all of it. */
  readonly fieldPath: string;
}

/** What happened, once or again and again. */
export interface EventSeries {
  readonly subject: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** One word for machines. */
  readonly reason: string;
  /** Untrusted; shown without what is not printed, and cut. */
  readonly message: string;
  /** Tells apart what is for the same reason, such as an image. Untrusted. */
  readonly about: string;
  /** How often since it was told last. */
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Kubernetes' own bound on messages of Events. */
const MAX_MESSAGE_LENGTH = 1024;
/** Names of objects; the name of an Event ends in a dot and a hash. */
const MAX_NAME_LENGTH = 253;
const HASH_LENGTH = 16;
const MAX_FIELD_PATH_LENGTH = 300;
const MAX_COUNT = 2 ** 31 - 1;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const UID = /^[A-Za-z0-9._-]{1,253}$/;
/** Where Events of what is in no namespace are; the API server takes them nowhere else. */
const CLUSTER_NAMESPACE = 'default';
const COMPONENT = 'nodeseal';
const OK = 200;

/** Whether there can be such an object: labels of containers, where pods are known from, can be any text. */
export function isSubject({ kind, namespace, name, uid, fieldPath }: EventSubject): boolean {
  const isPlaced = kind === 'Node' ? namespace === '' : DNS_LABEL.test(namespace);
  const isShort = fieldPath.length <= MAX_FIELD_PATH_LENGTH;
  return isPlaced && DNS_SUBDOMAIN.test(name) && UID.test(uid) && isShort;
}

/** Where the API server has the Events of a subject. */
export function eventsPath({ namespace }: EventSubject): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespaceOf(namespace))}/events`;
}

/** The same for the same subject, reason and `about`, so that it is found again after a restart. */
export function eventName({ subject, reason, about }: EventSeries): string {
  const stem = subject.name.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 1).replace(/[.-]+$/, '');
  return `${stem}.${eventHash([subject.uid, reason, about], HASH_LENGTH)}`;
}

/** The Event as it is made. */
export function newEvent(series: EventSeries, nodeName: string): object {
  const { subject, type, reason, count, firstAt } = series;
  const { kind, namespace, name, uid, fieldPath } = subject;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(series), namespace: namespaceOf(namespace) },
    involvedObject: {
      ...{ apiVersion: 'v1', kind, name, uid },
      ...(namespace === '' ? {} : { namespace }),
      ...(fieldPath === '' ? {} : { fieldPath }),
    },
    ...{ type, reason, count: Math.min(count, MAX_COUNT), firstTimestamp: timeText(firstAt) },
    ...lastOf(series),
    source: { component: COMPONENT, host: nodeName },
    reportingComponent: COMPONENT,
    reportingInstance: nodeName,
  };
}

/** What is new of it when it happened again, but for the count. */
export function lastOf({ message, lastAt }: EventSeries): object {
  return { message: shownText(message, MAX_MESSAGE_LENGTH), lastTimestamp: timeText(lastAt) };
}

/** The count once it happened again so often. */
export function raisedCount(before: number, { count }: EventSeries): object {
  return { count: Math.min(before + count, MAX_COUNT) };
}

/** The count of the Event in an answer. Throws `kubernetes_failed` for an answer other than 200 and for no Event. */
export function parseEventCount({ status, body }: Reply): number {
  const value = parseJson(body);
  if (status !== OK) throw failed(`expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== 'Event') throw failed('expected an Event');
  const { count } = value;
  return Number.isSafeInteger(count) ? Math.max(Number(count), 0) : 0;
}

function namespaceOf(namespace: string): string {
  return namespace === '' ? CLUSTER_NAMESPACE : namespace;
}

function failed(fault: string): AgentError {
  return new AgentError('kubernetes_failed', `patch of an Event: ${fault}`);
}

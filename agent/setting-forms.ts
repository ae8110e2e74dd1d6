// The forms of settings: how the text of an environment variable is read, and how that is told.
import { isIP } from 'node:net';

/** How one setting is read from its environment variable. */
export interface Setting<T> {
  readonly variable: string;
  readonly default: T;
  /** What is accepted, for messages and README. */
  readonly form: string;
  readonly help: string;
  /** What a number counts. */
  readonly unit?: 'ms' | 'bytes' | 'images';
  /** The value, or undefined when the text is not of the form. */
  readonly parse: (text: string) => T | undefined;
}

export const PREFIX = 'NODESEAL_';

/** What `parseDurationMs` accepts. */
export const DURATION_FORM = 'a whole number of s, m or h, such as 24h';

export function path(name: string, byDefault: string, help: string): Setting<string> {
  return { ...pathForm(name, help), default: byDefault };
}

export function optionalPath(name: string, help: string): Setting<string | undefined> {
  return { ...pathForm(name, help), default: undefined };
}

export function optionalPaths(name: string, help: string): Setting<readonly string[] | undefined> {
  const parse = (text: string) => {
    const paths = text.split(':');
    return paths.every((one) => /^\/[^\0]*$/.test(one)) ? paths : undefined;
  };
  const form = 'absolute paths, separated by colons';
  return { variable: PREFIX + name, default: undefined, form, help, parse };
}

/** A path that is written in one way only: it is compared with what others call it. */
export function optionalDirectory(name: string, help: string): Setting<string | undefined> {
  const parse = (text: string) =>
    /^(?:\/(?!\.{1,2}(?:\/|$))[^\p{Cc}/]+)+\/?$/u.test(text) ? text.replace(/\/$/, '') : undefined;
  const form = 'an absolute path without . and ..';
  return { variable: PREFIX + name, default: undefined, form, help, parse };
}

function pathForm(name: string, help: string) {
  const parse = (text: string) => (/^\/[^\0]*$/.test(text) ? text : undefined);
  return { variable: PREFIX + name, form: 'an absolute path', help, parse };
}

export function unit(name: string, byDefault: string, help: string): Setting<string> {
  const parse = (text: string) => (/^[\w@:.\\-]{1,250}\.service$/.test(text) ? text : undefined);
  return { variable: PREFIX + name, default: byDefault, form: 'NAME.service', help, parse };
}

/** An IP address and a TCP port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export function address(
  name: string,
  byDefault: ListenAddress,
  help: string,
): Setting<ListenAddress> {
  return { ...addressForm(name, help), default: byDefault };
}

export function optionalAddress(name: string, help: string): Setting<ListenAddress | undefined> {
  return { ...addressForm(name, help), default: undefined };
}

function addressForm(name: string, help: string) {
  const parse = (text: string) => {
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
    const host = match?.[1] ?? match?.[2] ?? '';
    const port = Number(match?.[3]);
    return isIP(host) !== 0 && port <= 65535 ? { host, port } : undefined;
  };
  const form = 'ADDRESS:PORT with an IP address';
  return { variable: PREFIX + name, form, help, parse };
}

export function hosts(name: string, help: string): Setting<readonly string[]> {
  const parse = (text: string) => {
    const list = text.split(',').map((host) => host.trim());
    return list.every((host) => /^[\w.-]+(?::\d{1,5})?$/.test(host)) ? list : undefined;
  };
  const form = 'HOST[:PORT], separated by commas';
  return { variable: PREFIX + name, default: [], form, help, parse };
}

/** What Kubernetes lets a node, and most other objects, be called. */
const DNS_SUBDOMAIN =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

export function node(name: string, help: string): Setting<string | undefined> {
  return { ...resourceName(name, help), form: 'the name of a Node' };
}

export function resourceName(name: string, help: string): Setting<string | undefined> {
  const parse = (text: string) => (DNS_SUBDOMAIN.test(text) ? text : undefined);
  const form = 'the name of an object of Kubernetes';
  return { variable: PREFIX + name, default: undefined, form, help, parse };
}

/** An object of Kubernetes in its namespace. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export function objectName(name: string, help: string): Setting<ObjectName | undefined> {
  const parse = (text: string) => {
    const [namespace = '', own = '', more] = text.split('/');
    const isName = [namespace, own].every((part) => DNS_SUBDOMAIN.test(part)) && more === undefined;
    return isName ? { namespace, name: own } : undefined;
  };
  return { variable: PREFIX + name, default: undefined, form: 'NAMESPACE/NAME', help, parse };
}

export function dnsNames(name: string, help: string): Setting<readonly string[]> {
  const parse = (text: string) => {
    const list = text.split(',').map((one) => one.trim());
    return list.every((one) => DNS_SUBDOMAIN.test(one)) ? list : undefined;
  };
  const form = 'DNS names, separated by commas';
  return { variable: PREFIX + name, default: [], form, help, parse };
}

const UNIT_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** The milliseconds that a text of `DURATION_FORM` says, or undefined. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smh])$/.exec(text);
  const unitMs = UNIT_MS.get(match?.[2] ?? '');
  return unitMs === undefined ? undefined : Number(match?.[1]) * unitMs;
}

export function duration(name: string, byDefaultMs: number, help: string): Setting<number> {
  const [form, parse] = [DURATION_FORM, parseDurationMs] as const;
  return { variable: PREFIX + name, default: byDefaultMs, form, help, unit: 'ms', parse };
}

/** As `duration`, and none at all. */
export function durationOrNone(name: string, byDefaultMs: number, help: string): Setting<number> {
  const parse = (text: string) => (text === '0s' ? 0 : parseDurationMs(text));
  const form = `${DURATION_FORM}, or 0s`;
  return { ...duration(name, byDefaultMs, help), form, parse };
}

export function count(
  name: string,
  byDefault: number,
  most: number,
  help: string,
): Setting<number> {
  const parse = (text: string) => {
    const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Infinity;
    return value <= most ? value : undefined;
  };
  const form = `a whole number from 1 to ${most}`;
  return { variable: PREFIX + name, default: byDefault, form, help, unit: 'images', parse };
}

export function oneOf<const T extends string>(
  name: string,
  byDefault: NoInfer<T>,
  values: readonly T[],
  help: string,
): Setting<T> {
  const parse = (text: string) => values.find((value) => value === text);
  return { variable: PREFIX + name, default: byDefault, form: values.join(', '), help, parse };
}

const UNIT_BYTES = new Map([
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
]);

export function bytes(name: string, byDefault: number, help: string): Setting<number> {
  const parse = (text: string) => {
    const match = /^([1-9]\d{0,5})([MG]i)$/.exec(text);
    const unitBytes = UNIT_BYTES.get(match?.[2] ?? '');
    return unitBytes === undefined ? undefined : Number(match?.[1]) * unitBytes;
  };
  const form = 'a whole number of Mi or Gi, such as 256Mi';
  return { variable: PREFIX + name, default: byDefault, form, help, unit: 'bytes', parse };
}

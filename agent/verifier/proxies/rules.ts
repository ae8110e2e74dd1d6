// Which proxy a request goes through, by Go's rules for HTTP_PROXY, HTTPS_PROXY and NO_PROXY: containerd's are these.
import { BlockList, isIP } from 'node:net';
import { AgentError } from '../../errors.ts';

/** What the variables say. */
export interface ProxyRules {
  /** By the scheme of what is asked for. A proxy's credentials are in its URL: never shown. */
  readonly proxies: ReadonlyMap<string, URL>;
  readonly isDirect: (target: Target) => boolean;
}

interface Target {
  /** Lower case, without brackets. */
  readonly host: string;
  readonly port: string;
}

type Matcher = (target: Target) => boolean;

/** Gives the proxy for a URL, or undefined for none. */
export type ProxyOf = (url: URL) => URL | undefined;

/** More than any list has; each is matched with every request. */
const MAX_EXCEPTIONS = 4_096;

/** Names in capitals come first; a proxy that is no URL is as if it were not there. */
export function parseProxyRules(
  variables: Readonly<Record<string, string | undefined>>,
): ProxyRules {
  const valueOf = (name: string) => variables[name] || variables[name.toLowerCase()] || '';
  const proxies = new Map<string, URL>();
  for (const scheme of ['http', 'https']) {
    const proxy = parseProxy(valueOf(`${scheme.toUpperCase()}_PROXY`));
    if (proxy !== null) proxies.set(`${scheme}:`, proxy);
  }
  const exceptions = valueOf('NO_PROXY').split(',').slice(0, MAX_EXCEPTIONS);
  const matchers = exceptions.map((text) => parseException(text.trim().toLowerCase()));
  return { proxies, isDirect: (target) => matchers.some((matches) => matches(target)) };
}

/**
 * The proxy for a URL; loopback never has one. Throws `registry_unreachable` for one that is spoken
 * to otherwise than by HTTP, as containerd could.
 */
export function selectProxy({ proxies, isDirect }: ProxyRules, url: URL): URL | undefined {
  const proxy = proxies.get(url.protocol);
  if (proxy === undefined) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isLoopback(host) || isDirect({ host, port })) return undefined;
  if (/^https?:$/.test(proxy.protocol)) return proxy;
  throw new AgentError(
    'registry_unreachable',
    `proxy ${proxy.protocol}//${proxy.host}: expected http or https, which are the ones that are spoken here`,
  );
}

const KNOWN = /^(?:https?|socks5h?):$/;

function parseProxy(text: string): URL | null {
  if (text === '') return null;
  const url = URL.parse(text);
  if (url !== null && KNOWN.test(url.protocol) && url.host !== '') return url;
  return text.includes('://') ? null : URL.parse(`http://${text}`);
}

const NEVER: Matcher = () => false;

function parseException(text: string): Matcher {
  if (text === '') return NEVER;
  if (text === '*') return () => true;
  const network = parseNetwork(text);
  if (network !== undefined) return ({ host }) => contains(network, host);
  const { host, port } = splitPort(text);
  const isPort: Matcher = (target) => port === undefined || target.port === port;
  if (isIP(host) !== 0) {
    const address = networkOf(host);
    return (target) => isPort(target) && contains(address, target.host);
  }
  return (target) => isPort(target) && isDomain(target.host, host);
}

function parseNetwork(text: string): BlockList | undefined {
  const [address = '', bits = '', more] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const isPrefix = /^\d{1,3}$/.test(bits) && Number(bits) <= most && more === undefined;
  return family !== 0 && isPrefix ? networkOf(address, Number(bits)) : undefined;
}

function networkOf(address: string, bits?: number): BlockList {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, bits ?? (family === 'ipv4' ? 32 : 128), family);
  return network;
}

const LOOPBACK = networkOf('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  return contains(LOOPBACK, host);
}

/** IPv4 addresses count in their IPv6-mapped form too. */
function contains(network: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && network.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function splitPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text) ?? [];
  // An address of IPv6 without brackets has colons and no port.
  return { host: bracketed ?? name ?? text, port: port === '' ? undefined : port };
}

/** `example.com` is it and what is below it; `.example.com` and `*.example.com` only what is below. */
function isDomain(host: string, pattern: string): boolean {
  const suffix = pattern.replace(/^\*(?=\.)/, '');
  if (suffix === '') return false;
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

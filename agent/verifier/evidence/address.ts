// Which addresses evidence may be fetched from: certificates name them, so their issuers choose whom nodes call.
import { BlockList, isIP } from 'node:net';
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/** Longer ones do not occur. */
const MAX_ADDRESS_CHARACTERS = 2048;

/**
 * Where clouds answer with a node's credentials. Private and loopback addresses are not listed: the
 * responders of internal PKIs have such. IPv4 addresses count in their IPv6-mapped forms as well.
 */
const REFUSED = new BlockList();
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4');
REFUSED.addSubnet('fe80::', 10, 'ipv6');
// The same IPv4 network as IPv4-compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056) addresses.
REFUSED.addSubnet('::a9fe:0', 112, 'ipv6');
REFUSED.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
REFUSED.addSubnet('2002:a9fe::', 32, 'ipv6');
// Metadata services that are not link-local: AWS, Google Cloud, Alibaba Cloud, Azure.
REFUSED.addAddress('fd00:ec2::254', 'ipv6');
REFUSED.addAddress('fd20:ce::254', 'ipv6');
REFUSED.addAddress('100.100.100.200', 'ipv4');
REFUSED.addAddress('168.63.129.16', 'ipv4');

/** Gives all IP addresses of a host name, or rejects. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/**
 * The URL that a certificate or CRL names. Only http: RFC 5280 8 warns that fetching over https may need
 * revocation checked again, and other schemes are not spoken. Throws `revocation_address_refused`.
 */
export function parseEvidenceAddress(text: string, what: string): URL {
  const url = text.length <= MAX_ADDRESS_CHARACTERS ? URL.parse(text) : null;
  if (url?.protocol !== 'http:') {
    throw refused(what, `expected an http address, found ${show(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(what, 'expected an address without credentials');
  }
  url.hash = '';
  return url;
}

/** Where a redirect leads. Throws `revocation_address_refused` unless it is the same host and port. */
export function redirectTarget(from: URL, location: string | undefined, what: string): URL {
  const url = location === undefined ? null : URL.parse(location, from.href);
  if (url === null) throw refused(what, 'expected a redirect to have a location');
  const target = parseEvidenceAddress(url.href, what);
  if (target.host === from.host) return target;
  throw refused(what, `expected a redirect within ${from.host}, found one to ${show(target.host)}`);
}

/**
 * The IP addresses to connect to for a URL. They are looked at after the name has been resolved, and
 * no name is resolved again, so that no name can lead to a refused address. Throws
 * `revocation_address_refused` if one of them is, or what `resolve` rejects with.
 */
export async function hostAddresses(
  { hostname }: URL,
  resolve: Resolve,
  what: string,
): Promise<readonly string[]> {
  const host = bare(hostname);
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  const found = addresses.find(isRefused);
  if (found === undefined) return addresses;
  throw refusedAddress(found, host, what);
}

/** For a host that nobody here resolves: throws `revocation_address_refused` if it is itself a refused address. */
export function assertNotRefused({ hostname }: URL, what: string): void {
  const host = bare(hostname);
  if (isIP(host) !== 0 && isRefused(host)) throw refusedAddress(host, host, what);
}

/** Tells whether nothing is fetched from an address; what is no IP address would be resolved again. */
export function isRefused(address: string): boolean {
  const family = isIP(address);
  return family === 0 || REFUSED.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Without the brackets of IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function refusedAddress(address: string, host: string, what: string): AgentError {
  const found = `found ${show(address)} for ${show(host)}`;
  return refused(what, `expected no link-local or metadata address, ${found}`);
}

function refused(what: string, fault: string): AgentError {
  return new AgentError('revocation_address_refused', `${what}: ${fault}`);
}

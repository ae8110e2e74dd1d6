// RFC 6066 "Server Name Indication".

/** What TLS is told of a host: addresses are not named. */
export function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

// RFC 9110 "Proxy-Authorization", from the URL that names a proxy.

/** What a proxy is told of who asks, from the credentials in its URL. */
export function proxyAuthorization(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === '' && proxy.password === '') return {};
  const [username, password] = [proxy.username, proxy.password].map(decodeURIComponent);
  const text = Buffer.from(`${username ?? ''}:${password ?? ''}`, 'utf8').toString('base64');
  return { 'proxy-authorization': `Basic ${text}` };
}

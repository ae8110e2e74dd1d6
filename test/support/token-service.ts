// A token service as the distribution project specifies it, whose tokens a real docker-registry takes: JWTs by RS256.
import { randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCa } from './ca.ts';
import type { ServerCertificate } from './registry/tls.ts';

export interface TokenService {
  /** To be the realm of a registry. */
  readonly url: string;
  /** PEM of what its tokens are signed by, for the registry. */
  readonly rootCertificate: string;
  /** `METHOD SCOPE`, of those it gave a token for. */
  readonly tokens: readonly string[];
  close(): Promise<void>;
}

export interface TokenServiceOptions {
  readonly tls: ServerCertificate;
  /** What the registry calls itself and the service. */
  readonly service: string;
  readonly issuer: string;
  readonly login: { readonly username: string; readonly password: string };
}

const LIFETIME_S = 300;

/** Gives a token for pulling to whoever knows the password. */
export async function startTokenService({
  tls,
  service,
  issuer,
  login,
}: TokenServiceOptions): Promise<TokenService> {
  const ca = createCa({ name: 'Token service' });
  const signer = ca.issue({ key: 'rsa-2048' });
  const tokens: string[] = [];
  const expected = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'https://service');
    const [type = '', name = '', actions = ''] = (searchParams.get('scope') ?? '').split(':');
    const isKnown = request.headers.authorization === `Basic ${expected}`;
    if (!isKnown || searchParams.get('service') !== service || actions !== 'pull') {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[]}');
      return;
    }
    tokens.push(`${request.method ?? ''} ${type}:${name}:${actions}`);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: issuer, sub: login.username, aud: service, jti: randomUUID() },
      ...{ iat: now, nbf: now - 10, exp: now + LIFETIME_S },
      access: [{ type, name, actions: [actions] }],
    };
    const header = { typ: 'JWT', alg: 'RS256', x5c: [signer.der.toString('base64')] };
    const parts = [header, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const text = parts.join('.');
    const signature = sign('sha256', Buffer.from(text), signer.key.privateKey);
    const token = `${text}.${signature.toString('base64url')}`;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: LIFETIME_S }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    rootCertificate: ca.root.pem,
    tokens,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

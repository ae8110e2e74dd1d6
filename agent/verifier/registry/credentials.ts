// Where credentials for registries come from: the interface that every source is behind.

/** A user name and its password. Never logged, and never part of an error. */
export interface Credential {
  readonly username: string;
  readonly password: string;
}

/**
 * Gives the credential for a registry as references spell it, or `undefined` for anonymous access.
 * It is asked before every token and every request with Basic, so it remembers what is costly.
 */
export type CredentialSource = (registry: string) => Promise<Credential | undefined>;

/** The value of an `Authorization` header: RFC 7617 "Basic". */
export function basicAuthorization({ username, password }: Credential): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

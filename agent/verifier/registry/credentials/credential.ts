// Credentials for registries, and the interface that every source of them is behind.
import type { Reference } from '../../../oci/reference.ts';

/** Where a credential is from; `none` is access without one. A metric label. */
export const CREDENTIAL_SOURCES = ['pull_secret', 'provider', 'docker_config', 'none'] as const;
export type CredentialSourceName = (typeof CREDENTIAL_SOURCES)[number];

/** What proves who asks. Never logged, and never part of an error. */
export type Secret =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** A refresh token of OAuth 2.0, which a token service takes in exchange for a token. */
  | { readonly kind: 'identity_token'; readonly token: string }
  /** A token for the registry itself. */
  | { readonly kind: 'registry_token'; readonly token: string };

/** A secret, and where it is from. */
export type Credential = Secret & { readonly source: CredentialSourceName };

/**
 * Gives what may open a repository, in the order of trial; none for anonymous access alone. It is
 * asked before every token and every request with Basic, so it remembers what is costly. Never
 * rejects for what a source of credentials does: a pull of a public image must not fail by it.
 */
export type CredentialSource = (
  repository: Pick<Reference, 'registry' | 'repository'>,
) => Promise<readonly Credential[]>;

/** Told when a registry took a credential that it had not taken just before. */
export interface CredentialEvent {
  /** Attacker-controlled: whoever makes a pod names it. */
  readonly registry: string;
  readonly repository: string;
  readonly source: CredentialSourceName;
}

/** The value of an `Authorization` header: RFC 7617 "Basic". */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

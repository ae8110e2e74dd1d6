// The policy and trust that verdicts are made from until others take their place.
import { AgentError } from '../errors.ts';
import { hashHex } from '../notation/encoding/crypto.ts';
import type { TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import {
  type TrustStoreName,
  type TrustStoreType,
  trustStoreType,
} from '../notation/trustpolicy/trust-store-name.ts';
import { storeNames } from './generation.ts';
import { loadPolicyFile } from './policy-file.ts';
import { loadTrustStores, type TrustStores } from './truststore/load.ts';
import { trustHash } from './truststore/trust-store.ts';

/** What one reading came to. */
export interface Reading {
  /** True when verdicts may differ from those before. */
  readonly changed: boolean;
  /** Why the policy offered was refused; the last good one stays in force. */
  readonly policyError?: AgentError;
  /** Why trust stores could not be loaded; statements that name them trust nobody. */
  readonly trustErrors: readonly AgentError[];
  readonly certificates: number;
}

/** The latest time that there is. */
const FOREVER = new Date(8.64e15);

/** A certificate of a trust store in force. */
export interface TrustedCertificate {
  readonly store: TrustStoreName;
  readonly subject: string;
  readonly notAfter: Date;
}

type Stores = ReadonlyMap<TrustStoreName, TrustStores | AgentError>;

/**
 * Holds what was read last. A policy that is missing or malformed never replaces a good one; a trust
 * store that is, trusts nobody from then on, because taking certificates away is how trust is
 * withdrawn.
 */
export class InForce {
  readonly #policyFile: string;
  readonly #truststoreDir: string;
  #policy: TrustPolicyDocument | AgentError;
  #stores: Stores = new Map();
  /** By the names of the stores, until others are read: to hash them takes longer than all else. */
  #trusted = new Map<string, TrustStores>();
  #hashes = { policyHash: '', trustHash: '' };

  constructor(policyFile: string, truststoreDir: string) {
    this.#policyFile = policyFile;
    this.#truststoreDir = truststoreDir;
    this.#policy = new AgentError('policy_missing', 'no trust policy has been read yet');
  }

  /** Reads both files anew. */
  async read(): Promise<Reading> {
    const offered = await outcomeOf(loadPolicyFile(this.#policyFile));
    const refused = offered instanceof AgentError;
    const policy = refused && !(this.#policy instanceof AgentError) ? this.#policy : offered;
    const stores = await this.#readStores(policy);
    // Both at once: a verdict in between must not see the policy of one reading with the trust of another.
    this.#policy = policy;
    this.#stores = stores;
    this.#trusted = new Map();
    const before = this.#hashes;
    this.#hashes = { policyHash: this.#policyHash(), trustHash: hashOf(this.#stores) };
    const outcomes = [...this.#stores.values()];
    return {
      changed:
        before.policyHash !== this.#hashes.policyHash ||
        before.trustHash !== this.#hashes.trustHash,
      ...(refused ? { policyError: offered } : {}),
      trustErrors: outcomes.filter((outcome) => outcome instanceof AgentError),
      certificates: outcomes
        .flatMap((outcome) => (outcome instanceof AgentError ? [] : outcome.stores))
        .reduce((count, { certificates }) => count + certificates.length, 0),
    };
  }

  /** Whether there is a policy to make verdicts from. */
  get isUsable(): boolean {
    return !(this.#policy instanceof AgentError);
  }

  /** What an image must have been verified against to be up to date; empty strings without a policy. */
  get hashes(): { readonly policyHash: string; readonly trustHash: string } {
    return this.#hashes;
  }

  /** The certificates in force, the first to expire first. */
  get certificates(): readonly TrustedCertificate[] {
    return [...this.#stores.values()]
      .flatMap((outcome) => (outcome instanceof AgentError ? [] : outcome.stores))
      .flatMap(({ name, certificates }) =>
        certificates.map(({ subject, notAfter }) => ({
          store: name,
          subject: subject.text,
          notAfter,
        })),
      )
      .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  }

  /** The certificate in force that expires first, or did; null without one. */
  get nextExpiry(): { readonly at: Date; readonly subject: string } | null {
    const [first] = this.certificates;
    return first === undefined ? null : { at: first.notAfter, subject: first.subject };
  }

  /** When the first certificate expires of the trust stores of each type, or did. */
  get expiries(): readonly { readonly type: TrustStoreType; readonly at: Date }[] {
    const first = new Map<TrustStoreType, Date>();
    for (const outcome of this.#stores.values()) {
      if (outcome instanceof AgentError) continue;
      for (const { name, certificates } of outcome.stores) {
        const type = trustStoreType(name);
        for (const { notAfter } of certificates) {
          if (notAfter < (first.get(type) ?? FOREVER)) first.set(type, notAfter);
        }
      }
    }
    return [...first].map(([type, at]) => ({ type, at }));
  }

  /** Whether a statement of the policy in force names a repository of this registry. */
  readonly namesRegistry = (registry: string): boolean =>
    !(this.#policy instanceof AgentError) &&
    this.#policy.statements.some(({ registryScopes }) =>
      registryScopes.some((scope) => scope.startsWith(`${registry}/`)),
    );

  /** The policy in force. Rejects with why there is none. */
  readonly policy = (): Promise<TrustPolicyDocument> =>
    this.#policy instanceof AgentError
      ? Promise.reject(this.#policy)
      : Promise.resolve(this.#policy);

  /** The named stores in force. Rejects with why one of them trusts nobody. */
  readonly trust = (names: readonly TrustStoreName[]): Promise<TrustStores> => {
    const known = this.#trusted.get(names.join());
    if (known !== undefined) return Promise.resolve(known);
    const stores = [];
    for (const name of names) {
      const outcome = this.#stores.get(name) ?? unread(name);
      if (outcome instanceof AgentError) return Promise.reject(outcome);
      stores.push(...outcome.stores);
    }
    const trusted = { stores, hash: trustHash(stores), warnings: [] };
    // As many at most as there are statements.
    this.#trusted.set(names.join(), trusted);
    return Promise.resolve(trusted);
  };

  async #readStores(policy: TrustPolicyDocument | AgentError): Promise<Stores> {
    const stores = new Map<TrustStoreName, TrustStores | AgentError>();
    if (policy instanceof AgentError) return stores;
    for (const name of storeNames(policy)) {
      stores.set(name, await outcomeOf(loadTrustStores(this.#truststoreDir, [name])));
    }
    return stores;
  }

  #policyHash(): string {
    return this.#policy instanceof AgentError ? '' : this.#policy.hash;
  }
}

/** A store that fails is part of what is in force: when it comes back, verdicts may change. */
function hashOf(stores: Stores): string {
  const parts = [...stores].map(([name, outcome]) =>
    outcome instanceof AgentError ? `${name} ${outcome.code}` : `${name} ${outcome.hash}`,
  );
  return parts.length === 0 ? '' : hashHex('sha256', Buffer.from(parts.join('\n')));
}

async function outcomeOf<T>(promise: Promise<T>): Promise<T | AgentError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

function unread(name: TrustStoreName): AgentError {
  return new AgentError('truststore_missing', `trust store ${name}: not named by the policy read`);
}

// Ledger table of signatures: of each image on the node the one that was good last.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest } from '../oci/digest.ts';
import type { SignatureStore, StoredSignature } from '../verifier/stored-signatures.ts';
import { guard, inTransaction } from './database.ts';

/** Manifest and envelope together. Real ones, certificates and timestamp included, stay below 32 KiB. */
export const MAX_SIGNATURE_BYTES = 128 * 1024;
/** Those of some thousand images. Whoever may push must not fill the disk of a node with more. */
export const MAX_SIGNATURES_BYTES = 32 * 1024 * 1024;

/** They come with verdicts, of which each transaction takes about as many along. */
const MAX_WAITING = 96;

/** One to be written. */
interface Waiting {
  readonly repository: string;
  readonly image: Digest;
  readonly signature: StoredSignature;
}

/**
 * What is put is written with the verdicts that follow it, because a transaction takes longer than
 * the row; a process that ends before that has neither. What is larger than `MAX_SIGNATURE_BYTES`,
 * or comes when there are `MAX_SIGNATURES_BYTES`, is not kept: its image asks the registry. As of
 * the ledger, every method throws `ledger_failed`.
 */
export class SignatureTable implements SignatureStore {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #has: StatementSync;
  readonly #sum: StatementSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;
  readonly #prune: StatementSync;
  /** There are not more bytes than these. Counted again only when it matters: counting looks at all. */
  #mostBytes = Infinity;
  /** By image; read only once it is written. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    const one = 'repository = ? AND digest = ?';
    // Somebody may have made it larger since; what is too large is not read into memory.
    this.#get = database.prepare(
      `SELECT signature, manifest_type, manifest, envelope FROM signatures WHERE ${one}
         AND length(manifest) + length(envelope) <= ${MAX_SIGNATURE_BYTES}`,
    );
    this.#has = database.prepare(`SELECT 1 FROM signatures WHERE ${one} AND signature = ?`);
    this.#sum = database.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM signatures');
    this.#put = database.prepare('INSERT INTO signatures VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#forget = database.prepare(`DELETE FROM signatures WHERE ${one}`);
    this.#prune = database.prepare(
      `DELETE FROM signatures WHERE NOT EXISTS (SELECT 1 FROM present_images AS image
         WHERE image.repository = signatures.repository AND image.digest = signatures.digest)`,
    );
  }

  /** Bytes of manifests and envelopes. */
  get bytes(): number {
    this.#settleNow();
    return this.#sumOfBytes();
  }

  #sumOfBytes(): number {
    return guard('count the signatures', () => Number(this.#sum.get()?.['bytes']));
  }

  get(repository: string, image: Digest): StoredSignature | undefined {
    this.#settleFor(repository, image);
    const row = guard('read a signature', () => this.#get.get(repository, image));
    if (row === undefined) return undefined;
    return {
      digest: String(row['signature']) as Digest,
      manifestType: String(row['manifest_type']),
      manifest: row['manifest'] as Uint8Array,
      envelope: row['envelope'] as Uint8Array,
    };
  }

  has(repository: string, image: Digest, signature: Digest): boolean {
    this.#settleFor(repository, image);
    return (
      guard('find a signature', () => this.#has.get(repository, image, signature)) !== undefined
    );
  }

  put(repository: string, image: Digest, signature: StoredSignature): void {
    this.#waiting.set(keyOf(repository, image), { repository, image, signature });
    if (this.#waiting.size >= MAX_WAITING) this.#settleNow();
  }

  forget(repository: string, image: Digest): void {
    this.#waiting.delete(keyOf(repository, image));
    this.#write('forget a signature', () => this.#forget.run(repository, image));
  }

  /** Writes what waits. Must be called in a transaction. */
  settle(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) this.#settle(one);
  }

  /** Drops those of images that are gone. Must be called in a transaction. */
  prune(): void {
    this.settle();
    this.#prune.run();
  }

  #settle({ repository, image, signature }: Waiting): void {
    const { digest, manifestType, manifest, envelope } = signature;
    const bytes = manifest.length + envelope.length;
    // Also where the new one is not kept: the one before may be good no more.
    this.#forget.run(repository, image);
    if (bytes > MAX_SIGNATURE_BYTES || !this.#hasRoom(bytes)) return;
    this.#mostBytes += bytes;
    this.#put.run(repository, image, digest, manifestType, manifest, envelope, bytes);
  }

  #settleFor(repository: string, image: Digest): void {
    if (this.#waiting.has(keyOf(repository, image))) this.#settleNow();
  }

  #settleNow(): void {
    if (this.#waiting.size === 0) return;
    this.#write('keep signatures', () => {
      this.settle();
    });
  }

  #hasRoom(bytes: number): boolean {
    if (this.#mostBytes + bytes > MAX_SIGNATURES_BYTES) this.#mostBytes = this.#sumOfBytes();
    return this.#mostBytes + bytes <= MAX_SIGNATURES_BYTES;
  }

  #write(attempt: string, work: () => void): void {
    guard(attempt, () => {
      inTransaction(this.#database, work);
    });
  }
}

function keyOf(repository: string, image: Digest): string {
  return `${repository}@${image}`;
}

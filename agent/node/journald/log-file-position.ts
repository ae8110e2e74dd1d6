// A place in a log file that survives what rotation does to the file: another name, another inode, compression.
import { createHash } from 'node:crypto';

/** Device and inode: the same file for as long as it exists, then perhaps another's. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

/** Where in which file. */
export interface LogFilePosition {
  readonly identity: FileIdentity;
  /** Bytes of content, before any compression, that were handled. */
  readonly offset: number;
  /** Of the first `FINGERPRINT_BYTES` of the content that was handled. */
  readonly fingerprint: string;
}

/** containerd's lines start with a time to the nanosecond, so the first of them tells a file from all others. */
export const FINGERPRINT_BYTES = 1024;
/** Of a SHA-256; nobody gains from a collision but whoever may write the file anyway. */
const FINGERPRINT_LENGTH = 32;

/** The fingerprint of a file of which `offset` bytes were handled; `head` is at least its first so many, up to the bound. */
export function fingerprintOf(head: Buffer, offset: number): string {
  const bytes = head.subarray(0, Math.min(offset, FINGERPRINT_BYTES));
  return createHash('sha256').update(bytes).digest('hex').slice(0, FINGERPRINT_LENGTH);
}

/** Encodes a position for the ledger. */
export function encodePosition({ identity, offset, fingerprint }: LogFilePosition): string {
  return `d=${identity.device};i=${identity.inode};o=${offset};f=${fingerprint}`;
}

/** Reads what `encodePosition` wrote; undefined for anything else. */
export function parsePosition(cursor: string): LogFilePosition | undefined {
  const found = /^d=(\d{1,20});i=(\d{1,20});o=(\d{1,20});f=([0-9a-f]{32})$/.exec(cursor);
  const [, device, inode, offset, fingerprint] = found ?? [];
  if (fingerprint === undefined) return undefined;
  return {
    identity: { device: Number(device), inode: Number(inode) },
    offset: Number(offset),
    fingerprint,
  };
}

/** Tells whether two identities are of one file. */
export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

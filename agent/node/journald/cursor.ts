// Journal cursors: what of systemd's text may be relied on to tell which entry it names, and how many are between two.

// Boot, monotonic and realtime clock, and a hash of the entry. Not the sequence number (`s=`, `i=`):
// it changes when journald flushes /run/log/journal to /var/log/journal.
const IDENTITY = ['b', 'm', 't', 'x'] as const;

/** Tells whether two cursors name the same entry, also when it was copied to another journal file. */
export function isSameEntry(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parts(a);
  const right = parts(b);
  return IDENTITY.every((key) => left.has(key) && left.get(key) === right.get(key));
}

function parts(cursor: string): ReadonlyMap<string, string> {
  return new Map(cursor.split(';').map((part) => [part.slice(0, 1), part.slice(2)]));
}

/** journald numbers its entries without a hole, whoever wrote them, for as long as the id stays. */
export interface SequenceNumber {
  readonly id: string;
  readonly number: number;
}

const ID_LENGTH = 32;
/** More do not fit into a number that counts exactly. */
const MAX_NUMBER_DIGITS = 13;
const BEFORE_NUMBER = ';i=';

/**
 * The sequence number that a cursor tells; undefined when it has none or it is beyond 52 bits.
 * `likelyId` is the id of the one before, which is quicker to compare with than to read.
 */
export function sequenceNumberOf(cursor: string, likelyId?: string): SequenceNumber | undefined {
  // `s=`, 32 hex digits, `;i=`, the number in hex, `;`. By hand, because it is done for every entry.
  const numberAt = 2 + ID_LENGTH + BEFORE_NUMBER.length;
  if (!cursor.startsWith('s=') || !cursor.startsWith(BEFORE_NUMBER, 2 + ID_LENGTH)) {
    return undefined;
  }
  const end = cursor.indexOf(';', numberAt);
  if (end <= numberAt || end - numberAt > MAX_NUMBER_DIGITS) return undefined;
  const number = Number.parseInt(cursor.slice(numberAt, end), 16);
  if (Number.isNaN(number)) return undefined;
  if (likelyId !== undefined && cursor.startsWith(likelyId, 2)) return { id: likelyId, number };
  return { id: cursor.slice(2, 2 + ID_LENGTH), number };
}

/**
 * How many entries there were between two, of any writer; null when their numbers do not tell, as when
 * journald began to count anew.
 */
export function entriesBetween(from: string, to: string): number | null {
  const [first, second] = [sequenceNumberOf(from), sequenceNumberOf(to)];
  if (first === undefined || second === undefined || first.id !== second.id) return null;
  return second.number > first.number ? second.number - first.number - 1 : null;
}

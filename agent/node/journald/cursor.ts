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

// `s=` and 32 hex digits, `;i=` and the number in hex.
const SEQUENCE = /^s=([0-9a-f]{32});i=([0-9a-f]{1,13});/;

/** The sequence number that a cursor tells; undefined when it has none or it is beyond 52 bits. */
export function sequenceNumberOf(cursor: string): SequenceNumber | undefined {
  const match = SEQUENCE.exec(cursor);
  return match === null
    ? undefined
    : { id: match[1] ?? '', number: Number.parseInt(match[2] ?? '', 16) };
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

// Journal cursors: what of systemd's opaque text may be relied on to tell that two name the same entry.

/** How far the journal has been read. */
export interface JournalPosition {
  readonly cursor: string;
  readonly realtimeUs: number;
}

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

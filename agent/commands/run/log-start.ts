// Where to begin reading a source of containerd's log.
import type { Ledger } from '../../audit/ledger.ts';
import type { LogSourceName } from '../../metrics/labels.ts';
import type { LogPosition } from '../../node/journald/source.ts';
import { journalPositionOf } from '../../node/journald/upload-place.ts';

/**
 * Where the ledger stands with the source. The journal as it is here and as it is sent is one journal,
 * read in the one way or the other as the settings say: whichever got further counts, or a change of
 * settings would count again what was counted.
 */
export function logStart(
  ledger: Pick<Ledger, 'position'>,
  name: LogSourceName,
): LogPosition | undefined {
  const own = ledger.position(name);
  if (name === 'file') return own;
  const other = ledger.position(name === 'upload' ? 'journald' : 'upload');
  if (other === undefined || (own !== undefined && own.realtimeUs >= other.realtimeUs)) return own;
  return name === 'upload' ? other : journalPositionOf(other);
}

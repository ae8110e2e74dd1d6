// What journald says when it refused entries of a unit because there were too many:
// systemd.journal-fields(7), journald.conf(5) RateLimitBurst=.
import type { ExportEntry } from './export-format.ts';

const DRIVER = Buffer.from('driver');
// Older ones name the control group, /system.slice/NAME.service.
const NOTICE = /^Suppressed (\d{1,10}) messages from (?:\/\S*\/)?(\S+)$/;

/**
 * How many entries of the unit this entry tells to be refused; 0 when it is about something else. Only
 * journald itself has the transport `driver`.
 */
export function suppressedEntries({ fields }: ExportEntry, unit: Buffer): number {
  if (!fields.is('_TRANSPORT', DRIVER)) return 0;
  const match = NOTICE.exec(fields.get('MESSAGE')?.toString() ?? '');
  return match?.[2] === unit.toString() ? Number(match[1]) : 0;
}

// A line of the audit trail for a person: when, what, on which image, and why where that is not plain.
import type { HistoryEntry } from '../audit/history-record.ts';
import { type Cell, type Style, tableRow } from './output.ts';
import type { Screen } from './screen.ts';

/** Widths of columns: the longest of what is in them, and a gap. */
const TIME = 22;
const DECISION = 10;
const KIND = 16;

export const AUDIT_HEAD: readonly Cell[] = [
  { text: 'TIME', width: TIME, style: ['dim'] },
  { text: 'DECISION', width: DECISION, style: ['dim'] },
  { text: 'KIND', width: KIND, style: ['dim'] },
  { text: 'IMAGE', style: ['dim'] },
];

/** One or two rows. */
export function describeLine(line: HistoryEntry, screen: Screen): string {
  const first = [
    { text: toSeconds(line.time), width: TIME },
    { text: line.decision, width: DECISION, style: styleOf(line) },
    { text: line.kind, width: KIND },
    { text: imageOf(line, screen) },
  ];
  const why = whyOf(line);
  const second = why === '' ? [] : [[{ text: '', width: TIME }, { text: why }]];
  return [first, ...second].map((row) => tableRow(row, screen)).join('');
}

function styleOf({ decision, inconclusive, mode }: HistoryEntry): readonly Style[] {
  if (inconclusive) return ['yellow'];
  if (decision === 'deny') return ['red'];
  return mode === 'break_glass' ? ['yellow'] : ['green'];
}

const SHORT_DIGEST = 12;

/** As it was asked for, and with the digest; on a terminal only with the beginning of that. */
function imageOf({ name, repository, digest }: HistoryEntry, { columns }: Screen): string {
  const text = name === '' ? repository : name;
  const whole = digest === null || text.includes(digest) ? text : `${text}@${digest}`;
  if (columns === undefined || digest === null) return whole;
  const [algorithm = '', hex = ''] = digest.split(':');
  return whole.replace(digest, `${algorithm}:${hex.slice(0, SHORT_DIGEST)}`);
}

function whyOf(line: HistoryEntry): string {
  const { reason, message, kind, mode, decision } = line;
  if (kind === 'pull' || kind === 'reverification') {
    const isPlain = decision === 'allow' && reason === 'verified' && line.admitted !== false;
    if (isPlain) return '';
  }
  const isLetIn = kind === 'pull' && decision === 'deny' && mode === 'audit';
  const parts = [ofKind(line), isLetIn ? 'let in by audit mode' : '', reason, message];
  return parts.filter((part) => part !== '').join(': ');
}

function ofKind({ kind, decision, before, cause, admitted }: HistoryEntry): string {
  const when = before === null ? '' : `, ${toSeconds(before.time)}`;
  switch (kind) {
    case 'flip':
      return `${before?.decision ?? 'unknown'} before (${before?.reason ?? 'unknown'}${when})`;
    case 'disagreement':
      return `containerd ${decision === 'deny' ? 'let it in' : 'refused it'} (${cause ?? 'unknown'}${when})`;
    case 'pull':
      return decision === 'allow' && admitted === false ? 'containerd refused it all the same' : '';
    case 'reverification':
      return '';
  }
}

/** RFC 3339 without fractions. */
function toSeconds(time: string): string {
  return time.replace(/\.\d+/, '');
}

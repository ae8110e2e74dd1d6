// The status of a node for a person: whether it enforces, what to do if not, and what that stands on.
import { type Cell, type Style, tableRow } from './output.ts';
import type { Screen } from './screen.ts';
import { span } from '../span.ts';
import type { Coverage, GenerationDocument, StatusDocument } from './status-document.ts';

type Row = readonly Cell[];

/** Widths of columns: the longest of what is in them, and a gap. */
const LABEL = 13;
const INDENT: Cell = { text: '', width: 2 };
const ARROW: Cell = { text: '→', width: 2, style: ['dim'] };
const DOT: Cell = { text: '•', width: 2, style: ['dim'] };

const STATES: ReadonlyMap<string, readonly Style[]> = new Map([
  ['enforcing', ['bold', 'green']],
  ['bypassed', ['bold', 'red']],
  ['unknown', ['bold', 'yellow']],
]);

const DAY_SECONDS = 86_400;
/** As the metrics and `policy check` do: long enough to have a certificate replaced. */
const EXPIRY_WARNING_SECONDS = 30 * DAY_SECONDS;
/** A journal that is read at once lags by less than a second. */
const LAG_WARNING_SECONDS = 60;

/** One screen. */
export function describeStatus(status: StatusDocument, now: Date, screen: Screen): string {
  const sections = [stateRows(status), openingRows(status), factRows(status, now)];
  return sections
    .filter((rows) => rows.length > 0)
    .map((rows) => rows.map((row) => tableRow(row, screen)).join(''))
    .join('\n');
}

function stateRows({ state, causes, problems }: StatusDocument): readonly Row[] {
  return [
    [{ text: state, style: STATES.get(state) ?? ['bold', 'yellow'] }],
    ...causes.flatMap(({ message, remedy }): Row[] => [
      [INDENT, DOT, { text: message }],
      [INDENT, ARROW, { text: remedy }],
    ]),
    ...problems.map((text): Row => [INDENT, { text: '!', width: 2, style: ['yellow'] }, { text }]),
  ];
}

/** What lets images in on purpose stands alone: nobody may read past it. */
function openingRows({ mode, breakGlass }: StatusDocument): readonly Row[] {
  const glass: readonly Style[] = breakGlass.state === 'active' ? ['bold', 'red'] : ['yellow'];
  return [
    fact('mode', mode, mode === 'enforce' ? [] : ['bold', 'yellow']),
    fact('break-glass', breakGlass.message, breakGlass.state === 'absent' ? [] : glass),
  ];
}

function factRows(status: StatusDocument, now: Date): readonly Row[] {
  const { provedAt, verifier, policy, trust, coverage, journalLagSeconds: lag } = status;
  const { at = null, subject = '' } = trust.nextExpiry ?? {};
  const left = at === null ? Infinity : (at.getTime() - now.getTime()) / 1000;
  const { failed, inconclusive, stale } = coverage.states;
  const isUnsure = inconclusive + stale + unlooked(coverage) > 0;
  return [
    fact(
      'last proof',
      provedAt === null ? 'never' : `${span(now, provedAt)} ago`,
      warnIf(provedAt === null),
    ),
    fact(
      'verifier',
      verifier.sha256 === null
        ? `none at ${verifier.path}`
        : `${verifier.version ?? 'of another version'}, sha256 ${short(verifier.sha256)}, ${verifier.path}`,
      verifier.sha256 === null ? ['red'] : [],
    ),
    fact('policy', generation(policy, now), warnIf(policy.hash === '')),
    fact('trust', generation(trust, now), warnIf(trust.hash === '')),
    ...(at === null
      ? []
      : [
          fact(
            'next expiry',
            `${left < 0 ? `${span(now, at)} ago` : `in ${span(at, now)}`}, ${subject}`,
            left < 0 ? ['red'] : warnIf(left < EXPIRY_WARNING_SECONDS),
          ),
        ]),
    fact('images', coverageText(coverage), failed > 0 ? ['red'] : warnIf(isUnsure)),
    fact('running', runningText(coverage), coverage.running.failed > 0 ? ['red'] : []),
    fact(
      'journal',
      lag === null ? 'nothing read yet' : `${lag.toFixed(1)} s behind`,
      warnIf((lag ?? 0) > LAG_WARNING_SECONDS),
    ),
    fact('agent', status.version),
  ];
}

function generation({ hash, loadedAt }: GenerationDocument, now: Date): string {
  if (hash === '' || loadedAt === null) return 'none';
  return `${short(hash)}, in force for ${span(now, loadedAt)}`;
}

/** Images that nobody has looked at: not those whose policy asks for no signature. */
function unlooked({ states, causes }: Coverage): number {
  return states.unverified - causes['skipped-by-policy'];
}

function coverageText({ images, states, causes }: Coverage): string {
  const ways = counted({ ...causes, pulled: 0 });
  return `${images}: ${counted(states) || 'none'}${ways === '' ? '' : `; ${ways}`}`;
}

/** Containers, by the state of the image that they run. */
function runningText({ running }: Coverage): string {
  const total = Object.values(running).reduce((sum, count) => sum + count, 0);
  return `${total}: ${counted(running) || 'none'}`;
}

/** Kinds of which there are none are left out: a person looks for the others. */
function counted(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/** Enough to tell two apart. */
function short(hash: string): string {
  return hash.slice(0, 12);
}

function warnIf(condition: boolean): readonly Style[] {
  return condition ? ['yellow'] : [];
}

function fact(label: string, text: string, style: readonly Style[] = []): Row {
  return [
    { text: label, width: LABEL, style: ['dim'] },
    { text, style },
  ];
}

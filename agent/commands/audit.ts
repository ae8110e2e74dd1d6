// `nodeseal audit`: what was decided on this node, read from the ledger beside a running agent.
import type { HistoryFilter } from '../audit/history.ts';
import { HISTORY_KINDS } from '../audit/history-record.ts';
import { SYSTEM_CLOCK } from '../audit/clock.ts';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import { parseMoment } from './audit-arguments.ts';
import { auditDocument } from './audit-document.ts';
import { auditLines } from './audit-lines.ts';
import { AUDIT_HEAD, describeLine } from './audit-report.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { FollowedLedger } from './followed-ledger.ts';
import { jsonLine, tableRow } from './output.ts';
import { ledgerPath } from './run/node-ledger.ts';
import { screenOf } from './screen.ts';

const HELP = `Usage: nodeseal audit [options]

Lists what was decided on this node, the oldest first: each pull and each re-verification with its
verdict, each image whose verdict turned (flip), and each that containerd let in or refused otherwise
than we would (disagreement). Read from the ledger in NODESEAL_STATE_DIR, whether an agent runs or not;
how far it goes back is up to NODESEAL_RETENTION and NODESEAL_LEDGER_MAX_SIZE.

  --since TIME       what was decided at TIME or later: 2026-08-22, 2026-08-22T10:00:00Z, or 2h for
                     two hours ago
  --until TIME       what was decided before TIME
  --image TEXT       images whose name, or repository@digest, contains TEXT
  --decision WHAT    allow or deny
  --kind KIND        pull, reverification, flip or disagreement
  --limit N          the last N lines only (default: 100, or all with --since)
  --follow           go on with each line that is added, until interrupted
  --output FORMAT    text (default) or json: one object per line, the same as in the audit log

Exit status: 0 done, 2 could not run (bad arguments, no ledger).
`;

const OPTIONS = {
  since: { type: 'string' },
  until: { type: 'string' },
  image: { type: 'string' },
  decision: { type: 'string' },
  kind: { type: 'string' },
  limit: { type: 'string' },
  follow: { type: 'boolean' },
  output: { type: 'string' },
} as const;

/** The command. */
export const audit: Command = {
  name: 'audit',
  summary: 'List what was decided on this node',
  help: HELP,
  run: runAudit,
};

/** What fits on a few screens. */
const DEFAULT_LIMIT = 100;

async function runAudit(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, signal } = context;
  const { values } = parseArguments(args, OPTIONS, []);
  const format = outputFormat(values.output);
  const { follow = false } = values;
  if (follow && values.until !== undefined) {
    throw new AgentError('argument_invalid', '--until: expected no --follow with it');
  }
  const filter = filterOf(values, SYSTEM_CLOCK.now());
  const limit = limitOf(values.limit) ?? (filter.since === undefined ? DEFAULT_LIMIT : undefined);
  const ledger = new FollowedLedger(ledgerPath(parseConfig(environment)), SYSTEM_CLOCK);
  const screen = screenOf(stdout, environment);
  // Whoever reads slower than we write must not make us hold it all.
  const print = (text: string) => new Promise<void>((done) => stdout.write(text, () => done()));
  try {
    let isFirst = true;
    for await (const lines of auditLines({ ledger, filter, limit, follow }, signal)) {
      const texts =
        format === 'json'
          ? lines.map((line) => jsonLine(auditDocument(line)))
          : [
              ...(isFirst ? [tableRow(AUDIT_HEAD, screen)] : []),
              ...lines.map((line) => describeLine(line, screen)),
            ];
      isFirst = false;
      await print(texts.join(''));
    }
    return 0;
  } finally {
    ledger.close();
  }
}

type Values = Partial<Record<'since' | 'until' | 'image' | 'decision' | 'kind', string>>;

function filterOf({ since, until, image, decision, kind }: Values, now: Date): HistoryFilter {
  return {
    ...(since === undefined ? {} : { since: parseMoment(since, '--since', now) }),
    ...(until === undefined ? {} : { until: parseMoment(until, '--until', now) }),
    ...(image === undefined ? {} : { image }),
    ...(decision === undefined
      ? {}
      : { decision: oneOf(['allow', 'deny'], decision, '--decision') }),
    ...(kind === undefined ? {} : { kind: oneOf(HISTORY_KINDS, kind, '--kind') }),
  };
}

function oneOf(values: readonly string[], text: string, option: string): string {
  if (values.includes(text)) return text;
  throw new AgentError(
    'argument_invalid',
    `${option}: expected ${values.join(', ')}, found ${JSON.stringify(text)}`,
  );
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) {
    return text === undefined ? undefined : Number(text);
  }
  throw new AgentError(
    'argument_invalid',
    `--limit: expected a whole number from 1, found ${JSON.stringify(text)}`,
  );
}

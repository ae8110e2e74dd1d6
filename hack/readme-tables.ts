// Keeps README's tables in step with the code and with what was measured: rewrites what is between `<!-- name -->` and
// `<!-- /name -->`, and draws the plots.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { DISAGREEMENT_CAUSES } from '../agent/audit/disagreement.ts';
import { SETTINGS } from '../agent/config.ts';
import { ERROR_CODES } from '../agent/errors.ts';
import { createMetrics } from '../agent/metrics/metrics.ts';
import { createWebhookMetrics } from '../agent/metrics/webhook-metrics.ts';
import { CAUSES } from '../agent/enforcement/causes.ts';
import { FINDINGS } from '../agent/node/containerd/finding.ts';
import { ALLOW_REASONS } from '../agent/notation/verification/verdict.ts';
import { differencesTable } from '../test/differential/differences.ts';
import { NO_SOURCES } from '../test/support/metric-sources.ts';
import { machineSentence, numbersTable } from './benchmarks/numbers.ts';
import { writePlots } from './benchmarks/plots.ts';
import { readRecord, RECORDED } from './benchmarks/record.ts';

export const README = fileURLToPath(new URL('../README.md', import.meta.url));

type Setting = (typeof SETTINGS)[keyof typeof SETTINGS];
type Table = readonly (readonly string[])[];

/** What a number in a setting counts, the largest first. */
const UNITS: Readonly<
  Record<NonNullable<Setting['unit']>, readonly (readonly [string, number])[]>
> = {
  ms: [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ],
  images: [['', 1]],
  bytes: [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
  ],
};

const AGENT_METRICS = createMetrics(NO_SOURCES).describe();

const WEBHOOK_METRICS = createWebhookMetrics(NO_SOURCES).describe();

/** What the agent and the webhook export; what both have is told of as the agent's. */
export const METRICS = [
  ...AGENT_METRICS,
  ...WEBHOOK_METRICS.filter(({ name }) => !AGENT_METRICS.some((one) => one.name === name)),
];

const MEASURED = readRecord(RECORDED);

/** The tables by name, each with its head as the first row. */
export const TABLES: Readonly<Record<string, Table>> = {
  settings: settingsTable(),
  reasons: [['Reason', 'Meaning'], ...sentences(ALLOW_REASONS)],
  codes: [['Code', 'Meaning'], ...sentences(ERROR_CODES)],
  metrics: metricsTable(),
  differences: differencesTable(),
  numbers: numbersTable(MEASURED),
  disagreements: [['Cause', 'Meaning'], ...sentences(DISAGREEMENT_CAUSES)],
  causes: [['Cause', 'Meaning'], ...sentences(messagesOf(CAUSES)), ...sentences(FINDINGS)],
};

/** What else is written between its marks. */
const SENTENCES: Readonly<Record<string, string>> = { machine: machineSentence(MEASURED) };

/** README's text with every table as the code has it. Throws when README has no place for one. */
export async function fillTables(readme: string): Promise<string> {
  let text = readme;
  const tables = Object.entries(TABLES).map(([name, table]) => [name, markdown(table)] as const);
  for (const [name, content] of [...tables, ...Object.entries(SENTENCES)]) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`README.md: expected ${begin} and then ${end}`);
    text = `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
  }
  return format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
}

function messagesOf(
  table: Readonly<Record<string, { readonly message: string }>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(table).map(([code, { message }]) => [code, message]));
}

function settingsTable(): Table {
  const rows = Object.values(SETTINGS).map((setting) => [
    code(setting.variable),
    code(defaultText(setting)),
    setting.form,
    setting.help,
  ]);
  return [['Variable', 'Default', 'Form', 'Meaning'], ...rows];
}

/** A default as it would be written in the variable; empty for none. */
export function defaultText(setting: Setting): string {
  const { default: value } = setting;
  if (value === undefined) return '';
  if (typeof value === 'number') {
    const units = UNITS[setting.unit ?? 'ms'];
    const [unit, size] = units.find(([, one]) => value % one === 0) ?? ['', 1];
    return `${value / size}${unit}`;
  }
  if (typeof value === 'object' && 'port' in value) return `${value.host}:${value.port}`;
  if (typeof value === 'object' && 'namespace' in value) return `${value.namespace}/${value.name}`;
  return String(value);
}

function metricsTable(): Table {
  const rows = METRICS.map(({ name, type, labelNames, help }) => [
    ...[code(name), type, labelNames.map(code).join(', '), help],
  ]);
  return [['Metric', 'Type', 'Labels', 'Meaning'], ...rows];
}

function sentences(table: Readonly<Record<string, string>>): Table {
  return Object.entries(table).map(([name, sentence]) => [code(name), sentence]);
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

function markdown([head = [], ...rows]: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.main) {
  writePlots(MEASURED);
  writeFileSync(README, await fillTables(readFileSync(README, 'utf8')));
}

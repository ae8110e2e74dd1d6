// A table of a panel: the answers of its queries side by side, where they are of the same labels.
import type { Panel } from '../../../test/support/dashboard.ts';
import { type Answers, overridesOf } from './shown.ts';
import { colorOf } from './theme.ts';
import { formatValue } from './units.ts';

export interface Cell {
  readonly text: string;
  readonly color: string | undefined;
}

export interface TableContent {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

type Fields = ReadonlyMap<string, string | number>;

/** The columns that the panel names, in its order; one that no answer has is left out, as Grafana does. */
export function tableContent(panel: Panel, answers: Answers): TableContent {
  const { targets = [], transformations = [] } = panel;
  const several = targets.length > 1;
  const frames = targets.map(({ refId }, index) =>
    (answers[index] ?? []).map(({ metric, values }) => {
      const field = several ? `Value #${refId}` : 'Value';
      return new Map<string, string | number>([
        ...Object.entries(metric),
        [field, values.at(-1)?.[1] ?? NaN],
      ]);
    }),
  );
  const rows = frames.reduce<readonly Fields[]>(merge, []);
  const names = transformations.flatMap(({ options }) => options.include?.names ?? []);
  const columns = names.filter((name) => rows.some((row) => row.has(name)));
  const head = columns.map((name) => textOf(overridesOf(panel, name).get('displayName')));
  const [sort] = panel.options?.sortBy ?? [];
  const sorted = head.indexOf(sort?.displayName ?? '');
  return {
    head,
    rows: rows
      .map((row) => columns.map((name) => cell(panel, name, row.get(name))))
      .sort((a, b) => (a[sorted]?.text ?? '').localeCompare(b[sorted]?.text ?? '')),
  };
}

/** Puts each row to the first that has the same in all labels that both have, or on its own. */
function merge(rows: readonly Fields[], frame: readonly Fields[]): readonly Fields[] {
  const merged = [...rows];
  for (const row of frame) {
    const index = merged.findIndex((other) =>
      [...row].every(([name, value]) => !other.has(name) || other.get(name) === value),
    );
    if (index < 0) merged.push(row);
    else merged[index] = new Map([...(merged[index] ?? []), ...row]);
  }
  return merged;
}

function cell(panel: Panel, name: string, value: string | number | undefined): Cell {
  const overrides = overridesOf(panel, name);
  if (value === undefined) return { text: '', color: undefined };
  const unit = textOf(overrides.get('unit')) || (panel.fieldConfig?.defaults.unit ?? 'short');
  const decimals = overrides.get('decimals') as number | undefined;
  const text = typeof value === 'number' ? formatValue(value, unit, decimals) : value;
  const [mapping] = (overrides.get('mappings') ?? []) as readonly {
    readonly options: Readonly<Record<string, { readonly color: string }>>;
  }[];
  const color = mapping?.options[text]?.color;
  return { text, color: color === undefined ? undefined : colorOf(color) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

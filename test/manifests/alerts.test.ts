// The alerts as a whole: their form, their runbooks, and that what they ask for is there. promtool
// tries them in e2e/dashboards.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CAUSES } from '../../agent/enforcement/causes.ts';
import { ERROR_CODES } from '../../agent/errors.ts';
import { FINDINGS } from '../../agent/node/containerd/finding.ts';
import { ALLOW_REASONS } from '../../agent/notation/verification/verdict.ts';
import { METRICS } from '../../hack/readme-tables.ts';
import { faultsOfQuery } from '../support/exported-metrics.ts';

const MANIFESTS = fileURLToPath(new URL('../../manifests/', import.meta.url));
const RUNBOOKS = `${MANIFESTS}runbooks/`;

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly object[];
    }[];
  }[];
}

const read = (path: string): string => readFileSync(MANIFESTS + path, 'utf8');
const { groups } = parse(read('prometheus/alerts.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const trials = (parse(read('prometheus/alerts.test.yaml')) as RuleTests).tests.flatMap(
  (test) => test.alert_rule_test,
);

describe('the alerts', () => {
  it('are the ones that there are runbooks for', () => {
    const pages = readdirSync(RUNBOOKS).filter((name) => name !== 'README.md');
    expect(pages).toEqual(rules.map(({ alert }) => `${alert}.md`).sort());
  });

  it('are those that the chart brings: `cp` from prometheus/ puts it in step', () => {
    expect(read('chart/nodeseal/files/alerts.yaml')).toBe(read('prometheus/alerts.yaml'));
  });

  describe.each(rules)('$alert', ({ alert, expr, labels, annotations }) => {
    it('says how bad it is, what it is and where to read on', () => {
      expect(labels).toEqual({
        severity: expect.stringMatching(/^(critical|warning)$/) as unknown,
      });
      expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url']);
      expect(annotations['summary']).not.toMatch(/\.$/);
      expect(annotations['description']).toMatch(/\.$/);
      expect(annotations['runbook_url']).toMatch(
        new RegExp(`^https://\\S+/manifests/runbooks/${alert}\\.md$`),
      );
    });

    it('asks for what is exported', () => {
      expect(faultsOfQuery(expr)).toEqual([]);
    });

    it('is tried where it fires and where it does not', () => {
      const own = trials.filter(({ alertname }) => alertname === alert);
      expect(own.some((trial) => trial.exp_alerts.length > 0)).toBe(true);
      expect(own.some((trial) => trial.exp_alerts.length === 0)).toBe(true);
    });

    it('has a runbook of one form, which names only what there is', () => {
      const page = readFileSync(`${RUNBOOKS}${alert}.md`, 'utf8');
      expect(page.split('\n').filter((line) => line.startsWith('#'))).toEqual([
        `# ${alert}`,
        '## What it means',
        '## How to look',
        '## How to mend',
      ]);
      expect(page).toContain(`Severity: ${labels['severity'] ?? ''}\n`);
      const known = { ...ERROR_CODES, ...CAUSES, ...FINDINGS, ...ALLOW_REASONS };
      const others = new Set(['bin_dir']);
      const exported = METRICS.map(({ name }) => name);
      for (const [, word = ''] of page.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)) {
        if (!others.has(word)) expect([...exported, ...Object.keys(known)]).toContain(word);
      }
    });
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../agent/config.ts';
import { ERROR_CODES } from '../agent/errors.ts';
import { ALLOW_REASONS } from '../agent/notation/verification/verdict.ts';
import { defaultText, fillTables, README, TABLES } from '../hack/readme-tables.ts';

const readme = readFileSync(README, 'utf8');

describe('README', () => {
  it('has the tables that the code has', async () => {
    const isInStep = readme === (await fillTables(readme));
    expect(isInStep, '`npm run readme` puts README in step with the code').toBe(true);
  });

  it.each([
    ['settings', Object.values(SETTINGS).map(({ variable }) => variable)],
    ['reasons', Object.keys(ALLOW_REASONS)],
    ['codes', Object.keys(ERROR_CODES)],
  ])('names all %s and no others', (name, names) => {
    expect(firstCells(between(`<!-- ${name} -->`, `<!-- /${name} -->`))).toEqual(names);
  });

  it('names metrics by our prefix', () => {
    const names = firstCells(between('<!-- metrics -->', '<!-- /metrics -->'));
    expect(names).toContain('nodeseal_verdicts_total');
    expect(names).toHaveLength((TABLES.metrics?.length ?? 0) - 1);
  });

  it.each(Object.values(SETTINGS))('shows the default of $variable as it is written', (setting) => {
    const text = defaultText(setting);
    if (text !== '') expect(setting.parse(text)).toEqual(setting.default);
  });

  it('says of every dependency what it is for, and of no other', () => {
    const path = new URL('../package.json', import.meta.url);
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const [, section = ''] = readme.split('\n## Dependencies\n');
    const named = firstCells(section.split('\n## ')[0] ?? '');
    expect(named.sort()).toEqual(
      [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)].sort(),
    );
  });

  it('is out of step when a row is missing, added or changed', async () => {
    const row = /\n\| `NODESEAL_LISTEN`.*/;
    for (const broken of [
      readme.replace(row, ''),
      readme.replace(row, (text) => text + text.replace('LISTEN', 'LISTENS')),
      readme.replace('0.0.0.0:9464', '0.0.0.0:9465'),
    ]) {
      expect(broken).not.toBe(readme);
      expect(await fillTables(broken)).toBe(await fillTables(readme));
    }
    await expect(fillTables(readme.replace('<!-- /codes -->', ''))).rejects.toThrow('/codes');
  });
});

function between(begin: string, end: string): string {
  return readme.slice(readme.indexOf(begin), readme.indexOf(end));
}

/** What the first cell of each row names in backticks. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
}

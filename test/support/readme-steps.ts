// What README has its readers do: the files and commands of a section, in order.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));

/** One block of code of the section. */
export type ReadmeStep =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  /** Of which each is one line for a shell. */
  | { readonly kind: 'commands'; readonly commands: readonly string[] };

/**
 * The numbered steps of the section with this heading, each with its blocks: `console`, whose lines with
 * `$` are commands, and `yaml`, whose first line names the file. Throws for any other, and where there is
 * no such section.
 */
export function readmeSteps(heading: string): ReadonlyMap<number, readonly ReadmeStep[]> {
  const [, section] = readFileSync(README, 'utf8').split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`README.md: expected a section "${heading}"`);
  const [text = ''] = section.split(/^## /m);
  const steps = text.split(/^(?=\d+\. )/m).slice(1);
  return new Map(steps.map((step) => [Number.parseInt(step, 10), blocksOf(step)]));
}

function blocksOf(step: string): readonly ReadmeStep[] {
  const blocks = step.matchAll(/^( *)```(\w*)\n([^]*?)^\1```$/gm);
  return [...blocks].map(([, indent = '', language = '', body = '']) => {
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    if (language === 'console') return { kind: 'commands', commands: commandsOf(text) };
    const [, name] = /^# (\S+)\n/.exec(text) ?? [];
    if (language !== 'yaml' || name === undefined) {
      throw new Error(`README.md: expected console, or yaml that names its file, found ${text}`);
    }
    return { kind: 'file', name, text };
  });
}

function commandsOf(text: string): readonly string[] {
  const lines = text.replaceAll(/ *\\\n */g, ' ').split('\n');
  return lines.flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
}

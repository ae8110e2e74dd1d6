// What a release consists of holds together: one version, known licences, workflows whose commands exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { licencesText } from '../hack/release/licences.ts';
import { shippedPackages } from '../hack/release/packages.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');
const { version } = JSON.parse(read('package.json')) as { readonly version: string };

/** Of which a program may be part that is given away under Apache-2.0. */
const LICENCES = new Set(['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

/** They are rendered from the others, or are what npm makes of package.json. */
const VERSIONED = [
  'CHANGELOG.md',
  'manifests/chart/nodeseal/Chart.yaml',
  'manifests/kustomize/base/nodeseal.yaml',
  'package-lock.json',
  'package.json',
];

describe('the version', () => {
  it('is that of the newest section of the changelog', () => {
    const [newest] = /^## .*/m.exec(read('CHANGELOG.md')) ?? [];
    expect(newest).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(`));
  });

  it('is written nowhere else', () => {
    const mine = new RegExp(
      `nodeseal\\S*[ :@/-]v?${version.replaceAll('.', '\\.')}(?![\\w.])`,
      'i',
    );
    const files = execFileSync(
      'git',
      ['ls-files', '*.md', '*.yaml', '*.yml', 'Dockerfile', 'hack'],
      {
        ...{ cwd: ROOT, encoding: 'utf8' },
      },
    );
    const found = files
      .split('\n')
      .filter((path) => path !== '' && existsSync(`${ROOT}/${path}`))
      .filter((path) => !VERSIONED.includes(path) && mine.test(read(path)));
    expect(found).toEqual([]);
  });
});

describe('what ships', () => {
  const packages = shippedPackages();

  it('is under licences that allow it', () => {
    expect(packages.filter(({ licence }) => !LICENCES.has(licence))).toEqual([]);
  });

  it('has the runtime of the verifier, and each dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['bun', ...Object.keys(dependencies)]));
    expect(names).not.toContain('vitest');
  });

  it('comes with the terms of each', () => {
    const text = licencesText();
    for (const { name, version: found, licence, text: terms } of packages) {
      expect(text).toContain(`${name} ${found} (${licence})`);
      expect(text).toContain(terms);
    }
  });
});

describe.each(['test', 'release'])('the workflow %s', (name) => {
  const path = `.github/workflows/${name}.yml`;
  const workflow = parse(read(path)) as {
    readonly permissions: Readonly<Record<string, string>>;
    readonly jobs: Readonly<Record<string, { readonly 'timeout-minutes'?: number; uses?: string }>>;
  };

  it('may do nothing that it does not say', () => {
    expect(Object.values(workflow.permissions).filter((right) => right !== 'read')).toEqual([]);
  });

  it('ends', () => {
    const endless = Object.entries(workflow.jobs).filter(
      ([, { 'timeout-minutes': minutes, uses }]) => minutes === undefined && uses === undefined,
    );
    expect(endless).toEqual([]);
  });

  it('runs scripts that exist', () => {
    const scripts = [
      ...read(path).matchAll(/(?<![\w/])(?:\.\/)?((?:hack|\.ci|\.github)\/[\w./-]+)/g),
    ];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, script = ''] of scripts)
      expect(existsSync(`${ROOT}/${script}`), script).toBe(true);
  });
});

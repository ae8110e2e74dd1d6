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

/** Examples that fetch a release. */
const EXAMPLES = ['manifests/ci/github-actions.yml', 'manifests/ci/gitlab-ci.yml'];

/** They are held to package.json by a test, rendered from those that are, or what npm makes of it. */
const VERSIONED = [
  ...EXAMPLES,
  'CHANGELOG.md',
  'manifests/chart/nodeseal/Chart.yaml',
  'manifests/kustomize/base/nodeseal.yaml',
  'manifests/kustomize/components/webhook/webhook.yaml',
  'package-lock.json',
  'package.json',
];

describe('the version', () => {
  it('is that of the newest section of the changelog', () => {
    const [newest] = /^## .*/m.exec(read('CHANGELOG.md')) ?? [];
    expect(newest).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(`));
  });

  it('is that which examples fetch', () => {
    for (const path of EXAMPLES) expect(read(path)).toContain(`NODESEAL_REF: v${version}\n`);
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

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly 'timeout-minutes'?: number;
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly steps?: readonly Step[];
}

describe.each(['test', 'release'])('the workflow %s', (name) => {
  const path = `.github/workflows/${name}.yml`;
  const workflow = parse(read(path)) as {
    readonly permissions: Readonly<Record<string, string>>;
    readonly jobs: Readonly<Record<string, Job>>;
  };

  it('may do nothing that it does not say', () => {
    expect(Object.values(workflow.permissions).filter((right) => right !== 'read')).toEqual([]);
  });

  it('uses actions of others by commit, and says which version that is', () => {
    const uses = [...read(path).matchAll(/^ +(?:- )?uses: (.+)$/gm)].map(
      ([, action = '']) => action,
    );
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses.filter((one) => !one.startsWith('./'))) {
      expect(action).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
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

describe('a release', () => {
  const { jobs } = parse(read('.github/workflows/release.yml')) as {
    readonly jobs: { readonly release: Required<Job> };
  };
  const { needs, environment, permissions, steps } = jobs.release;
  const indexOf = (pattern: RegExp): number => {
    const found = steps.flatMap(({ run = '', uses = '' }, at) =>
      pattern.test(`${run}${uses}`) ? [at] : [],
    );
    expect(found, String(pattern)).toHaveLength(1);
    return found[0] ?? NaN;
  };

  it('comes after the tests, and after somebody has approved it', () => {
    expect({ needs, environment }).toEqual({ needs: 'test', environment: 'release' });
  });

  it('has a name that others can pull by only once it was audited, built twice, signed, verified and attested', () => {
    const order = [
      /hack\/audit/,
      /push-by-digest=true/,
      /notation sign /,
      /actions\/attest-build-provenance@/,
      /imagetools create --tag/,
    ].map(indexOf);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const sign = steps[order[2] ?? NaN]?.run ?? '';
    const verified = sign.indexOf('nodeseal -- verify "$IMAGE@$DIGEST"');
    expect(verified).toBeGreaterThan(sign.indexOf('notation sign "$IMAGE@$DIGEST"'));
  });

  it('has a bill of materials for each architecture, and what has changed', () => {
    const last = steps.at(-1)?.run;
    expect(last).toMatch(/gh release create .*--notes-file notes\.md .*\*\.cdx\.json/);
    const build = steps[indexOf(/push-by-digest=true/)]?.run;
    expect(build).toContain('for architecture in amd64 arm64; do');
    expect(build).toContain('hack/release/sbom.ts image.tar');
  });

  it('shows its key to the step alone that signs, and has no other rights than it uses', () => {
    const withSecrets = steps.filter(({ env = {} }) =>
      Object.values(env).some((value) => value.includes('secrets.')),
    );
    expect(withSecrets.map(({ name }) => name)).toEqual([steps[indexOf(/notation sign /)]?.name]);
    expect(permissions).toEqual({
      ...{ attestations: 'write', contents: 'write', 'id-token': 'write', packages: 'write' },
    });
  });
});

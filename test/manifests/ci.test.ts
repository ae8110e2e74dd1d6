// The workflow files for pipelines: they are YAML, call the script as it is to be called, and keep the key to themselves.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/kubernetes-tools.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const SCRIPT = 'hack/ci-sign-image';

interface GithubWorkflow {
  readonly permissions: object;
  readonly jobs: {
    readonly sign: {
      readonly permissions: Readonly<Record<string, string>>;
      readonly steps: readonly {
        readonly run?: string;
        readonly env?: Readonly<Record<string, string>>;
      }[];
    };
  };
}

interface GitlabPipeline {
  readonly sign: {
    readonly before_script: readonly string[];
    readonly script: readonly string[];
    readonly variables: object;
  };
}

const github = parse(read('manifests/ci/github-actions.yml')) as GithubWorkflow;
const gitlab = parse(read('manifests/ci/gitlab-ci.yml')) as GitlabPipeline;
const { steps } = github.jobs.sign;

const SCRIPTS: readonly (readonly [string, readonly string[]])[] = [
  ['GitHub Actions', steps.flatMap(({ run }) => run ?? [])],
  ['GitLab CI', [...gitlab.sign.before_script, ...gitlab.sign.script]],
];

describe.each(SCRIPTS)('the workflow for %s', (_, scripts) => {
  it('calls the script with options that it has', () => {
    const help = execFileSync(join(ROOT, SCRIPT), ['--help'], { encoding: 'utf8' });
    const [call = ''] = /hack\/ci-sign-image [^]*? -- /.exec(scripts.join('\n')) ?? [];
    const options = call.match(/--[a-z-]+/g) ?? [];
    expect(options).toEqual(['--build', '--policy', '--truststore']);
    for (const option of options) expect(help).toContain(`${option} `);
  });

  it('is shell that can be read', () => {
    for (const script of scripts) {
      // GitHub fills in its expressions before.
      const text = script.replaceAll(/\$\{\{[^}]*\}\}/g, 'value');
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect({ status, stderr, script }).toEqual({ status: 0, stderr: '', script });
    }
  });

  it('writes the key nowhere but where notation reads it', () => {
    expect(scripts.join('\n')).not.toMatch(/echo[^\n]*SIGNING_KEY|set -x/);
  });
});

describe('the workflow for GitHub Actions', () => {
  it('has no more rights than it uses, and hands the key to one step', () => {
    expect(github.permissions).toEqual({});
    expect(github.jobs.sign.permissions).toEqual({ contents: 'read', packages: 'write' });
    expect(steps.filter(({ env }) => env?.['SIGNING_KEY'] !== undefined)).toHaveLength(1);
  });
});

describe('the script', () => {
  it('says in its help all that it takes', () => {
    const taken =
      read(SCRIPT)
        .match(/\[(--[a-z-]+)\]/g)
        ?.map((text) => text.slice(1, -1)) ?? [];
    const help = execFileSync(join(ROOT, SCRIPT), ['--help'], { encoding: 'utf8' });
    expect(taken.length).toBeGreaterThan(4);
    for (const option of new Set(taken)) expect(help).toContain(option);
  });
});

// What the pull verifier is made of: every part costs each pull some of its start.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleVerifier } from '../../hack/build.ts';

type Metafile = Awaited<ReturnType<typeof bundleVerifier>>;

let metafile: Metafile;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nodeseal-bundle-'));
  try {
    const paths = {
      settingsFile: '/settings.json',
      journal: { socket: '/journal.sock', directories: [] },
      breakGlassFile: '/b',
    };
    metafile = await bundleVerifier(directory, paths);
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** The files that run once `entry` does: what is imported lazily is not among them. */
function loadedWith(entry: string): Set<string> {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    const imports = metafile.inputs[path]?.imports ?? [];
    for (const { kind, path: imported } of imports) {
      if (kind !== 'dynamic-import') loaded.add(imported);
    }
  }
  return loaded;
}

/** What a file of the bundle asks for at run time. */
function externalsOf(file: string): string[] {
  const outputs = Object.entries(metafile.outputs);
  const [, output] = outputs.find(([path]) => path.endsWith(`/${file}`)) ?? [];
  return [...new Set((output?.imports ?? []).map(({ path }) => path))];
}

describe('the bundle of the pull verifier', () => {
  it('holds our own files and of packages a reader of TOML alone', () => {
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain('agent/pull-verifier.ts');
    expect(inputs).toContain('agent/notation/timestamp/timestamp.ts');
    // The second is the call by which the front door loads the other file.
    expect(
      inputs.filter((path) => !/^(?:agent\/|loaded-late:|node_modules\/smol-toml\/)/.test(path)),
    ).toEqual([]);
  });

  it('asks for nothing at run time but what Node or Bun have in them', () => {
    const external = externalsOf('loaded-late.cjs');
    expect(external).toContain('node:crypto');
    expect(external.filter((path) => !/^(?:node:|bun(?::|$))/.test(path))).toEqual([]);
  });

  it('starts with none of the modules that take long to load', () => {
    expect(externalsOf('pull-verifier.cjs')).toEqual([]);
    expect(externalsOf('loaded-late.cjs')).not.toContain('node:tls');
  });

  it('starts without what an agent that answers makes needless', () => {
    const loaded = [...loadedWith('agent/pull-verifier.ts')];
    expect(loaded).toContain('agent/pull/ask-agent.ts');
    expect(loaded.filter((path) => path.startsWith('agent/verifier/'))).toEqual([]);
  });

  it('judges without what only few signatures need', () => {
    const loaded = [...loadedWith('agent/verifier/host-verifier.ts')];
    expect(loaded).toContain('agent/notation/verification/signature.ts');
    const lazy =
      /^agent\/verifier\/(?:(?:evidence|plugins)\/|registry\/(?:hosts\/hosts-file|proxies|credentials\/host))|^node_modules\//;
    expect(loaded.filter((path) => lazy.test(path))).toEqual([]);
    expect(Object.keys(metafile.inputs).filter((path) => lazy.test(path))).not.toEqual([]);
  });
});

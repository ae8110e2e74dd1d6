// Builds dist/: nodeseal.js for Node, nodeseal-verifier, an executable that needs nothing on the
// host but glibc, and logagent-input.cjs for Logagent.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { createLayout } from '../agent/node/host/layout.ts';
import type { JournalPaths } from '../agent/pull/verdict-stream.ts';
import { SLIM_PACKAGES } from './slim-packages.ts';

const run = promisify(execFile);
const ROOT = dirname(import.meta.dirname);
const BUN = fileURLToPath(new URL('../node_modules/.bin/bun', import.meta.url));
const BUN_TIMEOUT_MS = 120_000;
const JOURNAL = {
  socket: '/run/systemd/journal/stdout',
  directories: ['/run/log/journal', '/var/log/journal'],
};
const SOURCES = [
  'agent/**/*.ts',
  'hack/build.ts',
  'hack/slim-packages.ts',
  'package.json',
  'package-lock.json',
];

/** Where the verifier finds what is not compiled in; tests have their own places. */
export interface VerifierPaths {
  readonly settingsFile: string;
  readonly journal: JournalPaths;
  readonly breakGlassFile: string;
}

/** A Bun for machines other than this one, to compile the verifier with. */
export interface VerifierRuntime {
  /** As `bun build` names targets. */
  readonly target: string;
  readonly path: string;
}

/**
 * Imports of some of Node's modules as calls of require. An import reads every export of a module,
 * and some are getters for what would stay in the agent's memory: of http a whole HTTP client, of
 * tls the text of all root certificates.
 */
const REQUIRED: Plugin = {
  name: 'required',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^(?:node:)?(?:https?|tls)$/ }, ({ kind, path }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace: 'required' },
    );
    bundle.onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Compiles the pull verifier. esbuild bundles first, as CommonJS, because bytecode of it starts in
 * half the time. The executable appears whole or not at all.
 */
export async function buildVerifier(
  outfile: string,
  paths: VerifierPaths,
  runtime?: VerifierRuntime,
): Promise<void> {
  await mkdir(dirname(outfile), { recursive: true });
  const work = await mkdtemp(join(dirname(outfile), '.build-'));
  try {
    const executable = join(work, 'verifier');
    await bundleVerifier(work, paths);
    // Nothing in the directory that containerd was started in may change what the verifier does.
    const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
    const fast = ['--bytecode', '--minify', `--compile-jit-policy=${JIT_POLICY}`];
    const args = ['build', ...VERIFIER_MODULES, '--compile', ...fast, ...closed];
    if (runtime !== undefined) {
      args.push(`--target=${runtime.target}`, `--compile-executable-path=${runtime.path}`);
    }
    await run(BUN, [...args, '--outfile', executable], { cwd: work, timeout: BUN_TIMEOUT_MS });
    await chmod(executable, 0o755);
    await rename(executable, outfile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * By how much later than by default what runs often is compiled to machine code. Of a process that
 * lives for milliseconds a quarter went there.
 */
const JIT_POLICY = 100;

/** The front door, and what it loads late. */
const VERIFIER_MODULES = ['pull-verifier.cjs', 'loaded-late.cjs'] as const;

/** Where Bun keeps the modules of an executable. */
const EMBEDDED = '/$bunfs/root';

/**
 * Late modules of the pull verifier as files of their own in the executable: of a module that is
 * loaded all bytecode is, and nine tenths of it are for pulls that the agent does not answer.
 */
const LOADED_LATE: Plugin = {
  name: 'loaded-late',
  setup: (bundle) => {
    bundle.onResolve({ filter: /loaded-late\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, namespace: 'loaded-late' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'loaded-late' }, () => ({
      // By a name that Bun cannot read when it compiles, or it would put the module into the first.
      contents: `module.exports = require([${JSON.stringify(EMBEDDED)}, 'loaded-late.cjs'].join('/'));`,
    }));
  },
};

/**
 * Bundles the pull verifier into `directory`, as two files of CommonJS, and tells what is in them. A
 * test sees to it that this is no package: Bun's stand-in for undici, for one, ignores certificate
 * authorities.
 */
export async function bundleVerifier(directory: string, paths: VerifierPaths): Promise<Metafile> {
  const options = await common();
  const { metafile } = await build({
    ...options,
    entryPoints: ['agent/pull-verifier.ts', 'agent/pull/loaded-late.ts'].map((path) => ({
      in: join(ROOT, path),
      out: basename(path, '.ts'),
    })),
    outdir: directory,
    outExtension: { '.js': '.cjs' },
    absWorkingDir: ROOT,
    metafile: true,
    format: 'cjs',
    external: ['bun'],
    plugins: [LOADED_LATE],
    define: {
      ...options.define,
      NODESEAL_SETTINGS_FILE: JSON.stringify(paths.settingsFile),
      NODESEAL_JOURNAL_SOCKET: JSON.stringify(paths.journal.socket),
      NODESEAL_JOURNAL_DIRECTORIES: JSON.stringify(paths.journal.directories.join(':')),
      NODESEAL_BREAK_GLASS_FILE: JSON.stringify(paths.breakGlassFile),
    },
  });
  return metafile;
}

/** Bundles the agent and its commands; what they import lazily stays in files of its own. */
export async function buildAgent(outdir: string): Promise<void> {
  await rm(join(outdir, 'chunks'), { recursive: true, force: true });
  await build({
    ...(await common()),
    entryPoints: { nodeseal: join(ROOT, 'agent/main.ts') },
    outdir,
    format: 'esm',
    splitting: true,
    plugins: [...SLIM_PACKAGES, REQUIRED],
    chunkNames: 'chunks/[name]-[hash]',
    // Bundled CommonJS packages ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as createNodeRequire } from 'node:module';const require = createNodeRequire(import.meta.url);",
    },
  });
}

/**
 * Bundles the input plugin of Logagent into one file. Logagent loads it by require, and makes its
 * instances from what that returns.
 */
export async function buildLogagentInput(outfile: string): Promise<void> {
  await build({
    ...(await common()),
    entryPoints: [join(ROOT, 'agent/node/journald/logagent-input.ts')],
    outfile,
    format: 'cjs',
    target: 'node20',
    footer: { js: 'module.exports = module.exports.LogagentInput;' },
  });
}

async function common(): Promise<BuildOptions & { readonly define: Record<string, string> }> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return {
    bundle: true,
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    logLevel: 'warning',
    define: { NODESEAL_VERSION: JSON.stringify(manifest.version) },
  };
}

async function hashSources(): Promise<string> {
  const hash = createHash('sha256');
  const paths: string[] = [];
  for await (const path of glob(SOURCES, { cwd: ROOT })) paths.push(path);
  for (const path of paths.sort()) {
    const bytes = await readFile(join(ROOT, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

function verifierRuntime(): VerifierRuntime | undefined {
  const options = {
    'verifier-runtime': { type: 'string' },
    'verifier-target': { type: 'string' },
  } as const;
  const { 'verifier-runtime': path, 'verifier-target': target } = parseArgs({ options }).values;
  return path === undefined || target === undefined ? undefined : { path, target };
}

async function main(): Promise<void> {
  const runtime = verifierRuntime();
  const dist = join(ROOT, 'dist');
  const names = ['nodeseal.js', 'nodeseal-verifier', 'logagent-input.cjs', '.sources'];
  const [agent, verifier, logagentInput, stamp] = names.map((name) => join(dist, name)) as [
    string,
    string,
    string,
    string,
  ];
  const sources = `${await hashSources()} ${runtime?.target ?? ''}`.trim();
  const built = await readFile(stamp, 'utf8').catch(() => '');
  if (built === sources && [agent, verifier, logagentInput].every((path) => existsSync(path)))
    return;
  await rm(stamp, { force: true });
  const { settingsFile, breakGlassFile } = createLayout();
  const paths = { settingsFile, breakGlassFile, journal: JOURNAL };
  await Promise.all([
    buildVerifier(verifier, paths, runtime),
    buildAgent(dist),
    buildLogagentInput(logagentInput),
  ]);
  await writeFile(stamp, sources);
}

if (import.meta.main) await main();

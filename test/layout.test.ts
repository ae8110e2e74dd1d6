// The house keeps its shape: who imports whom, who may touch the world, and the form of every file.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  directionFaults,
  emptyParts,
  formFaults,
  importCycle,
  type PartTable,
  worldlyFiles,
} from './support/layout-rules.ts';
import { readSourceFile, type SourceFile } from './support/source-file.ts';

/** The words of a decision, which also those may use who take no part in it. */
const VERDICT = 'notation/verification/verdict.ts';

/** From the bottom up. */
const PARTS: PartTable = [
  ['errors.ts'],
  ['bell.ts'],
  ['utc.ts'],
  ['dated-response.ts', 'utc.ts'],
  ['version.ts'],
  ['deadline.ts'],
  ['go-duration.ts'],
  ['core-dump.ts'],
  ['program.ts'],
  ['program-environment.ts'],
  ['span.ts'],
  ['setting-forms.ts'],
  ['webhook-settings.ts', 'setting-forms.ts'],
  ['config.ts', 'errors.ts', 'webhook-settings.ts'],
  ['oci', 'errors.ts', 'utc.ts'],

  // Pure: the Notary Project's rules.
  [VERDICT, 'oci'],
  ['notation/encoding', 'oci'],
  ['notation/x509', 'notation/encoding'],
  ['notation/revocation', 'notation/x509'],
  ['notation/signature', 'notation/x509'],
  ['notation/trustpolicy', 'notation/x509', VERDICT],
  ['notation/timestamp', 'notation/trustpolicy'],
  ['notation/plugin', 'notation/signature', 'notation/trustpolicy'],
  ['notation/verification', 'notation/plugin', 'notation/revocation', 'notation/timestamp'],

  ['verifier/proxies', 'errors.ts'],
  ['verifier/evidence', 'deadline.ts', 'notation/revocation', 'verifier/proxies'],
  [
    'verifier/registry',
    'deadline.ts',
    'go-duration.ts',
    'notation/encoding',
    'program.ts',
    'program-environment.ts',
    'verifier/proxies',
  ],
  ['verifier/bundle', 'notation/revocation', 'verifier/registry'],
  ['verifier/plugins', 'notation/plugin', 'program.ts', 'program-environment.ts'],
  ['verifier/truststore', 'notation/trustpolicy'],
  [
    'verifier',
    'verifier/bundle',
    'verifier/evidence',
    'verifier/plugins',
    'verifier/registry',
    'verifier/truststore',
    'notation/verification',
  ],

  // Edges of the node: not each other, and of what is above them only the words.
  ['node/containerd', 'deadline.ts', 'go-duration.ts', 'oci', 'program.ts'],
  ['node/host/layout.ts', 'oci'],
  ['node/host', 'deadline.ts', 'node/host/layout.ts'],
  ['node/journald', 'dated-response.ts', 'deadline.ts', 'oci', VERDICT],
  ['node/kubernetes', 'deadline.ts', 'oci'],

  ['audit', 'bell.ts', 'verifier'],
  ['enforcement', 'bell.ts', 'dated-response.ts', 'verifier'],
  ['metrics', 'dated-response.ts', 'span.ts', 'verifier'],
  ['webhook', 'dated-response.ts', 'deadline.ts', 'verifier'],
  ['pull', 'core-dump.ts', 'verifier', 'node/journald', 'node/host/layout.ts'],
  [
    'commands',
    'version.ts',
    'config.ts',
    'audit',
    'enforcement',
    'metrics',
    'pull',
    'webhook',
    'node/containerd',
    'node/host',
    'node/kubernetes',
  ],

  ['main.ts', 'commands'],
  ['pull-verifier.ts', 'version.ts', 'pull'],
];

/** Modules that compute and do nothing else. Any other that is not ours must be in the list below. */
const PURE_MODULES = new Set(['node:path', 'node:stream', 'node:util', 'smol-toml']);

/** Every file that touches the world, and how. A new line here is a decision, to be reviewed as one. */
const WORLDLY_FILES: Readonly<Record<string, string>> = {
  'audit/clock.ts': 'node:timers/promises, new Date()',
  'audit/database.ts': 'node:sqlite',
  'audit/notices.ts': 'Math.random',
  'audit/pod-controllers.ts': 'Math.random',
  'audit/reverification.ts': 'Math.random',
  'commands/bin-dirs.ts': 'node:fs',
  'commands/break-glass.ts': 'node:fs/promises, Date.now, new Date()',
  'commands/bundle-inputs.ts': 'node:fs/promises',
  'commands/bundle.ts': 'new Date()',
  'commands/followed-ledger.ts': 'node:fs',
  'commands/host-install.ts': 'node:fs, import.meta, process',
  'commands/node-warnings.ts': 'node:fs',
  'commands/policy-check.ts': 'new Date()',
  'commands/policy-preview.ts': 'node:fs, Date.now, new Date()',
  'commands/registry-arguments.ts': 'node:fs/promises, Date.now',
  'commands/remove-break-glass.ts': 'node:fs/promises',
  'commands/run.ts': 'pino, Math.random, new Date()',
  'commands/run/audit-log.ts': 'pino',
  'commands/run/canary.ts': 'process',
  'commands/run/enforcement.ts': 'chokidar, node:fs, Math.random',
  'commands/run/heap.ts': 'node:v8, node:vm, setInterval',
  'commands/run/installation.ts': 'node:fs',
  'commands/run/node-ledger.ts': 'node:fs',
  'commands/run/in-step.ts': 'chokidar, node:fs',
  'commands/run/log-sources.ts': 'node:fs',
  'commands/yaml.ts': 'yaml',
  'commands/status-host.ts': 'node:fs',
  'commands/status.ts': 'fetch, new Date()',
  'commands/verify.ts': 'AbortSignal.timeout',
  'commands/version.ts': 'process',
  'commands/webhook.ts': 'pino, performance',
  'commands/webhook/certificate-files.ts': 'node:fs/promises',
  'commands/webhook/followed-trust.ts': 'chokidar',
  'core-dump.ts': 'node:fs',
  'dated-response.ts': 'node:http, new Date()',
  'deadline.ts': 'setTimeout',
  'enforcement/canary-registry.ts': 'node:http',
  'enforcement/canary-signer.ts': 'node:crypto',
  'enforcement/canary.ts': 'node:crypto, AbortSignal.timeout',
  'main.ts': 'process, setTimeout',
  'metrics/declarers.ts': 'prom-client',
  'metrics/metrics.ts': 'prom-client',
  'metrics/process.ts': 'prom-client, performance, process',
  'metrics/server.ts': 'node:http, setTimeout',
  'metrics/webhook-metrics.ts': 'prom-client',
  'node/containerd/client.ts': '@grpc/grpc-js, Date.now',
  'node/containerd/process.ts': 'Date.now',
  'node/containerd/serving.ts': 'node:timers/promises',
  'node/host/content.ts': 'node:crypto, node:fs/promises, Date.now',
  'node/host/dbus/connection.ts': 'node:net, process',
  'node/host/host-fs.ts': 'node:child_process, node:crypto, node:events, node:fs, node:fs/promises',
  'node/host/listening.ts': 'node:net',
  'node/host/lock.ts': 'node:child_process, node:fs',
  'node/journald/follow.ts': 'node:timers/promises, Math.random',
  'node/journald/gathered.ts': 'node:timers/promises, setTimeout',
  'node/journald/journalctl.ts': 'node:child_process',
  'node/journald/logagent-input.ts': 'node:timers/promises, Date.now, new Date()',
  'node/journald/logagent-state.ts': 'node:fs',
  'node/journald/log-file-changes.ts': 'node:fs, setTimeout',
  'node/journald/log-file-content.ts': 'node:zlib',
  'node/journald/log-file-position.ts': 'node:crypto',
  'node/journald/log-file-set.ts': 'node:fs/promises',
  'node/journald/log-file-trust.ts': 'node:fs, node:fs/promises',
  'node/journald/log-file.ts': 'node:fs/promises, Math.random',
  'node/journald/upload-server.ts': 'node:crypto, node:http, node:https, setTimeout',
  'node/kubernetes/api-client.ts': 'node:fs/promises',
  'node/kubernetes/event-hash.ts': 'node:crypto',
  'node/kubernetes/https-exchange.ts': 'node:https',
  'node/kubernetes/in-cluster.ts': 'node:net',
  'notation/encoding/crypto.ts': 'node:crypto',
  'program.ts': 'node:child_process, process, setTimeout',
  'pull-verifier.ts': 'new Date(), performance, process',
  'pull/agent-server.ts': 'node:fs/promises, node:net, setTimeout',
  'pull/ask-agent.ts': 'process',
  'pull/blocking-socket.ts': 'performance',
  'pull/break-glass-file.ts': 'node:fs, process',
  'pull/fetch-transport.ts': 'fetch, performance, process',
  'pull/host-credentials.ts': 'bun, Date.now, process',
  'pull/idle-timer.ts': 'setTimeout',
  'pull/judge-by-host.ts': 'new Date(), performance, process',
  'pull/judge-pull.ts': 'AbortSignal.timeout, performance, setTimeout',
  'pull/libc.ts': 'Bun',
  'pull/verdict-stream.ts': 'performance',
  'setting-forms.ts': 'node:net',
  'verifier/bundle/layout-files.ts': 'node:fs/promises',
  'verifier/bundle/layout-turn.ts': 'node:fs/promises, node:timers/promises',
  'verifier/bundle/layout-writer.ts': 'node:fs/promises',
  'verifier/evidence/address.ts': 'node:net',
  'verifier/evidence/client.ts': 'node:dns/promises',
  'verifier/evidence/evidence-cache.ts': 'Math.random',
  'verifier/evidence/exchange.ts': 'node:http, node:https, process, setTimeout',
  'verifier/evidence/crl-files.ts': 'node:crypto, node:fs/promises',
  'verifier/host-verifier.ts': 'new Date()',
  'verifier/plugins/plugin-file.ts': 'node:fs/promises, process',
  'verifier/plugins/run-plugin.ts': 'process',
  'verifier/policy-file.ts': 'node:fs',
  'verifier/proxies/rules.ts': 'node:net',
  'verifier/proxies/tunnel.ts': 'node:http, node:https, node:tls',
  'verifier/registry/client.ts': 'Date.now',
  'verifier/registry/credentials/credential-chain.ts': 'setTimeout',
  'verifier/registry/credentials/host-access.ts': 'node:fs/promises',
  'verifier/registry/exchange.ts': 'node:timers/promises, Math.random',
  'verifier/registry/hosts/host-files.ts': 'node:fs',
  'verifier/registry/pooled-transport.ts': 'performance',
  'verifier/registry/pools.ts': 'node:tls, undici',
  'verifier/registry/response.ts': 'node:timers/promises',
  'verifier/registry/wait.ts': 'setTimeout',
  'verifier/truststore/store-files.ts': 'node:fs',
  'verifier/truststore/store-location.ts': 'node:fs',
  'verifier/verifier.ts': 'performance, setImmediate',
  'webhook/server.ts': 'node:https, node:tls, setTimeout',
  'webhook/serving-key.ts': 'node:crypto',
};

const FOLDER = fileURLToPath(new URL('../agent/', import.meta.url));
const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => readSourceFile(path, readFileSync(FOLDER + path, 'utf8')));

describe('the files of agent/', () => {
  it('import in one direction', () => {
    expect(directionFaults(FILES, PARTS)).toEqual([]);
  });

  it('fill every part of the table', () => {
    expect(emptyParts(FILES, PARTS)).toEqual([]);
  });

  it('have no cycle of imports', () => {
    expect(importCycle(FILES)).toEqual([]);
  });

  it('touch the world only where, and as, the list says', () => {
    expect(worldlyFiles(FILES, PURE_MODULES)).toEqual(WORLDLY_FILES);
  });

  it('are pure in notation/ and oci/, but for the one wrapper of cryptography', () => {
    const pure = FILES.filter(({ path }) => /^(?:notation|oci)\//.test(path));
    expect(worldlyFiles(pure, new Set())).toEqual({ 'notation/encoding/crypto.ts': 'node:crypto' });
  });

  it('name a verdict in node/ only as a type', () => {
    const edges = FILES.filter(({ path }) => path.startsWith('node/'));
    const values = edges.flatMap(({ imports }) => imports.filter((one) => !one.isTypeOnly));
    expect(values.filter(({ specifier }) => specifier.includes('notation/'))).toEqual([]);
  });

  it('are short, explained, named by their noun and export by name', () => {
    expect(FILES.flatMap(formFaults)).toEqual([]);
  });
});

describe('the rules', () => {
  const table: PartTable = [['low'], ['middle', 'low'], ['high', 'middle'], ['middle/own']];

  it('allow imports downwards, near and far, and refuse all others', () => {
    const good = [source('high/a.ts', "import { b } from '../low/b.ts';"), source('low/b.ts')];
    expect(directionFaults(good, table)).toEqual([]);
    for (const line of [
      "import { a } from '../high/a.ts';",
      "import type { A } from '../high/a.ts';",
      "export * from '../high/a.ts';",
      "const a = await import('../high/a.ts');",
      "type A = import('../high/a.ts').A;",
      "import { own } from './own/own.ts';",
      "import { x } from '../nowhere/x.ts';",
    ]) {
      expect(directionFaults([source('middle/c.ts', line)], table)).toHaveLength(1);
    }
    expect(directionFaults([source('nowhere/x.ts')], table)).toHaveLength(1);
    expect(emptyParts(good, table)).toEqual(['middle', 'middle/own']);
    expect(() =>
      directionFaults(
        [],
        [
          ['low', 'high'],
          ['high', 'low'],
        ],
      ),
    ).toThrow(TypeError);
  });

  it('find a cycle of imports, also one of types', () => {
    const a = source('a.ts', "import { b } from './b.ts';");
    const b = source('b.ts', "import { c } from './c.ts';");
    expect(importCycle([a, b, source('c.ts')])).toEqual([]);
    const back = source('c.ts', "import type { B } from './b.ts';");
    expect(importCycle([a, b, back])).toEqual(['b.ts', 'c.ts', 'b.ts']);
  });

  it.each([
    ["import { readFile } from 'node:fs/promises';", 'node:fs/promises'],
    ["import { type Stats, statSync } from 'node:fs';", 'node:fs'],
    ["import 'undici';", 'undici'],
    ["export { createServer } from 'node:net';", 'node:net'],
    ["const { Pool } = await import('undici');", 'undici'],
    ['const part = await import(name);', '*'],
    ['const now = Date.now();', 'Date.now'],
    ['const clock = Date.now;', 'Date.now'],
    ['const now = new Date();', 'new Date()'],
    ['const now = new Date;', 'new Date()'],
    ['const text = Date();', 'Date'],
    ['const { now } = Date;', 'Date'],
    ["const now = Date['now']();", 'Date'],
    ['const chance = Math.random();', 'Math.random'],
    ['setTimeout(stop, 1);', 'setTimeout'],
    ['const later = { setTimeout };', 'setTimeout'],
    ['const signal = AbortSignal.timeout(1);', 'AbortSignal.timeout'],
    ['const home = process.env.HOME;', 'process'],
    ["const home = globalThis['process'];", 'globalThis'],
    ['const started = performance.now();', 'performance'],
    ["const answer = await fetch('https://example.com');", 'fetch'],
    ['const here = import.meta.dirname;', 'import.meta'],
  ])('see how %s touches the world', (line, use) => {
    expect(worldlyFiles([source('a.ts', line)], PURE_MODULES)).toEqual({ 'a.ts': use });
  });

  it.each([
    "import type { Stats } from 'node:fs';",
    "import { type Stats } from 'node:fs';",
    "import { join } from 'node:path';",
    'const at = new Date(milliseconds);',
    'const at = Date.parse(text);',
    'const isDate = value instanceof Date;',
    'const most = Math.max(1, 2);',
    'function get(fetch: () => void) { fetch(); return { fetch }; }',
    'const { process: own } = options; options.process();',
    'interface Clock { setTimeout(): void; readonly process: Date }',
    '// Date.now()',
    "const text = 'process.env';",
  ])('see that %s does not', (line) => {
    expect(worldlyFiles([source('a.ts', line)], PURE_MODULES)).toEqual({});
  });

  it('refuse a file that is too long, nameless, unexplained or exported by default', () => {
    const lines = (count: number): string => '\n'.repeat(count - 1);
    expect(formFaults(source('a/b-c.ts', lines(250)))).toEqual([]);
    expect(formFaults(source('a.ts', lines(251)))).toHaveLength(1);
    expect(formFaults(readSourceFile('a.ts', '#!/usr/bin/node\n// What for.\n'))).toEqual([]);
    expect(formFaults(readSourceFile('a.ts', '#!/usr/bin/node\n'))).toHaveLength(1);
    expect(formFaults(readSourceFile('a.ts', 'export const a = 1;\n'))).toHaveLength(1);
    expect(formFaults(source('aB.ts'))).toHaveLength(1);
    expect(formFaults(source('a_b.ts'))).toHaveLength(1);
    expect(formFaults(source('a/utils.ts'))).toHaveLength(1);
    expect(formFaults(source('a.ts', 'export default 1;'))).toHaveLength(1);
    expect(formFaults(source('a.ts', 'export default function a() {}'))).toHaveLength(1);
    expect(formFaults(source('a.ts', 'const a = 1; export { a as default };'))).toHaveLength(1);
  });
});

function source(path: string, text = ''): SourceFile {
  return readSourceFile(path, `// What it is for.\n${text}`);
}

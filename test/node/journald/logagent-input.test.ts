// Our stream as an input of Logagent: what its records are, and the real package running it from a configuration file.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import { parseLogagentConfig } from '../../../agent/node/journald/logagent-config.ts';
import { LogagentInput } from '../../../agent/node/journald/logagent-input.ts';
import { logagentContext, logagentRecord } from '../../../agent/node/journald/logagent-record.ts';
import { LogagentState } from '../../../agent/node/journald/logagent-state.ts';
import { buildLogagentInput } from '../../../hack/build.ts';
import { expectCode } from '../../support/expect-code.ts';
import { freePort } from '../../support/free-port.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';
import { post } from '../../support/journal-uploader.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logagent-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TOKEN = 'c0ffee00-1111-4222-8333-444455556666';

const ENTRY: JournalEntry = {
  ...{ cursor: cursorOf(1), realtimeUs: realtimeUs(1) },
  ...{ unit: 'containerd.service', uid: 0, exe: '/usr/bin/containerd', pid: 4242 },
  ...{ transport: 'stdout', message: '42', truncated: false },
  more: new Map([
    ['_BOOT_ID', '1'.repeat(32)],
    ['SYSLOG_IDENTIFIER', 'containerd'],
    ['PRIORITY', '6'],
    ['_HOSTNAME', 'node-1'],
    ['_GID', '0'],
    ['_SOURCE_REALTIME_TIMESTAMP', '1766000000001000'],
    ['SYSLOG_PID', '007'],
    ['_CMDLINE', '1e3'],
  ]),
};

const PLAIN = { removeFields: new Set<string>(), tags: {} };

describe('a record for Logagent', () => {
  it('has journald’s names in lower case, and numbers as numbers where nothing is lost', () => {
    expect(logagentRecord(ENTRY, PLAIN)).toEqual({
      '@timestamp': new Date(realtimeUs(1) / 1000),
      __cursor: cursorOf(1),
      __realtime_timestamp: realtimeUs(1),
      _boot_id: '1'.repeat(32),
      _systemd_unit: 'containerd.service',
      _uid: 0,
      _exe: '/usr/bin/containerd',
      _pid: 4242,
      _transport: 'stdout',
      syslog_identifier: 'containerd',
      message: '42',
      priority: 6,
      _hostname: 'node-1',
      _gid: 0,
      _source_realtime_timestamp: 1_766_000_000_001_000,
      syslog_pid: '007',
      _cmdline: '1e3',
    });
  });

  it('is without what is to be removed, and has tags where it has nothing of that name', () => {
    const record = logagentRecord(ENTRY, {
      removeFields: new Set(['_pid', 'priority']),
      tags: { cluster: 'a', _hostname: 'b' },
    });
    expect(record).not.toHaveProperty('_pid');
    expect(record).not.toHaveProperty('priority');
    expect(record).toMatchObject({ cluster: 'a', _hostname: 'node-1' });
  });

  it('comes with the context of Logagent’s own journald input', () => {
    expect(logagentContext(ENTRY, TOKEN)).toEqual({
      sourceName: 'containerd.service',
      name: 'journald',
      index: TOKEN,
    });
    const { sourceName } = logagentContext({ ...ENTRY, unit: undefined }, null);
    expect(sourceName).toBe('containerd');
    const nameless = { ...ENTRY, unit: undefined, more: new Map<string, string>() };
    expect(logagentContext(nameless, null).sourceName).toBe('journald');
  });
});

describe('the section of the input', () => {
  it.each([
    [{}, { kind: 'journal', unit: 'containerd.service', journalctl: 'journalctl' }],
    [
      { unit: 'k3s.service', directory: '/j' },
      { kind: 'journal', directory: '/j' },
    ],
    [{ logFile: '/var/log/containerd.log' }, { kind: 'file', path: '/var/log/containerd.log' }],
    [
      { port: 9200, token: TOKEN, bindAddress: '::1' },
      { kind: 'upload', port: 9200, host: '::1' },
    ],
  ])('of %j is understood', (section, from) => {
    const config = parseLogagentConfig({ module: 'm', configFile: {}, ...section });
    expect(config.from).toMatchObject(from);
  });

  it.each([
    { unti: 'misspelt' },
    { unit: 1 },
    { unit: '' },
    { port: '9200', token: TOKEN },
    { port: 70_000, token: TOKEN },
    { port: 9200 },
    { port: 9200, token: 'short' },
    { port: 9200, token: TOKEN, logFile: '/x' },
    { since: 'yesterday' },
    { since: 5 },
    { removeFields: 'message' },
    { tags: ['a'] },
  ])('of %j is refused', (section) => {
    expectCode(() => parseLogagentConfig(section), 'setting_invalid');
    expectCode(() => new LogagentInput(section, { emit: () => true }), 'setting_invalid');
  });
});

describe('the place of the input', () => {
  it('is kept now and then, and at the end', () => {
    const path = join(folder, 'state');
    const state = new LogagentState(path);
    state.moveTo({ cursor: 'a', realtimeUs: 1 }, 10_000);
    state.moveTo({ cursor: 'b', realtimeUs: 2 }, 10_001);
    expect(new LogagentState(path).position).toEqual({ cursor: 'a', realtimeUs: 1 });
    state.write();
    expect(new LogagentState(path).position).toEqual({ cursor: 'b', realtimeUs: 2 });
    writeFileSync(path, '{"cursor":1}');
    expectCode(() => new LogagentState(path), 'setting_invalid');
    expect(new LogagentState(null).position).toBeUndefined();
  });
});

const LOGAGENT = resolve(
  import.meta.dirname,
  '../../logagent/node_modules/@sematext/logagent/bin/logagent.js',
);
const REMOTE = '/usr/lib/systemd/systemd-journal-remote';

// hack/setup --tests installs both. In CI, where that has run, a missing one is a failure.
describe.skipIf(
  (!existsSync(LOGAGENT) || spawnSync(REMOTE, ['--version']).status !== 0) &&
    process.env.CI !== 'true',
)('the real Logagent (needs hack/setup --tests)', { timeout: 60_000 }, () => {
  let bundles = '';
  let plugin = '';
  let running: ChildProcess | undefined;
  let said = '';
  beforeAll(async () => {
    bundles = mkdtempSync(join(tmpdir(), 'logagent-input-'));
    plugin = join(bundles, 'logagent-input.cjs');
    await buildLogagentInput(plugin);
  });
  afterAll(() => rmSync(bundles, { recursive: true, force: true }));
  afterEach(async () => {
    await kill('SIGKILL');
  });

  /** An output that keeps also the context, which none of Logagent's own tells. */
  const CONTEXTS = `module.exports = function (config, events) {
    this.start = () => events.on('data.parsed', (data, context) => require('node:fs')
      .appendFileSync(config.path, JSON.stringify({ data, context }) + '\\n'));
    this.stop = (done) => done();
  };`;

  function run(section: string): void {
    writeFileSync(join(folder, 'contexts.cjs'), CONTEXTS);
    const config = join(folder, 'logagent.yml');
    writeFileSync(
      config,
      `options:
  suppress: true
  diskBufferDir: ${folder}
input:
  containerd:
    module: ${plugin}
${section.replaceAll(/^/gm, '    ')}
output:
  file:
    module: output-files
    fileName: ${join(folder, 'out.log')}
    format: ldjson
  contexts:
    module: ${join(folder, 'contexts.cjs')}
    path: ${join(folder, 'contexts.log')}
`,
    );
    said = '';
    running = spawn(process.execPath, [LOGAGENT, '--config', config], { cwd: folder });
    for (const stream of [running.stdout, running.stderr]) {
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const closed = once(running, 'close');
    running.kill(signal);
    await closed;
  }

  /** What an output got, once there are so many. */
  async function got(name: string, count: number): Promise<readonly Record<string, unknown>[]> {
    const path = join(folder, name);
    for (let tries = 0; ; tries += 1) {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
      if (lines.length >= count) return lines.map((line) => JSON.parse(line) as never);
      if (tries > 500) throw new Error(`expected ${count} records, found ${lines.length}: ${said}`);
      await delay(20);
    }
  }

  function entry(n: number, fields: Readonly<Record<string, string>> = {}): Buffer {
    const more = { PRIORITY: '6', _HOSTNAME: 'node-1', _GID: '0', _MACHINE_ID: 'e'.repeat(32) };
    return exportEntry({ ...containerdFields(n, `message ${n}`), ...more, ...fields });
  }

  function store(...entries: readonly Buffer[]): void {
    mkdirSync(join(folder, 'journal'), { recursive: true });
    const file = join(folder, 'journal/system.journal');
    const written = spawnSync(REMOTE, ['-o', file, '-'], { input: Buffer.concat(entries) });
    expect(written.status).toBe(0);
  }

  it('gets the journal’s entries from a configuration file, whole and with context', async () => {
    const binary = 'two\n\nlines \u0000 end';
    const other = entry(3, { _SYSTEMD_UNIT: 'ssh.service' });
    store(entry(1), entry(2, { MESSAGE: binary }), other, entry(4, { MESSAGE: '7' }));
    run(`directory: ${join(folder, 'journal')}
since: '2025-01-01T00:00:00Z'
stateFile: ${join(folder, 'state')}
index: my-logs
removeFields: [_BOOT_ID]
tags: { cluster: test }`);
    const records = await got('out.log', 3);
    expect(records.map(({ message }) => message)).toEqual(['message 1', binary, '7']);
    expect(records[0]).toEqual({
      '@timestamp': new Date(realtimeUs(1) / 1000).toISOString(),
      __cursor: expect.stringMatching(/^s=/) as unknown,
      __realtime_timestamp: realtimeUs(1),
      __monotonic_timestamp: 1000,
      _systemd_unit: 'containerd.service',
      _transport: 'stdout',
      _uid: 0,
      _gid: 0,
      _pid: 4242,
      _exe: '/usr/bin/containerd',
      _hostname: 'node-1',
      _machine_id: 'e'.repeat(32),
      syslog_identifier: 'containerd',
      message: 'message 1',
      priority: 6,
      cluster: 'test',
    });
    const contexts = await got('contexts.log', 3);
    expect(contexts[0]).toMatchObject({
      data: records[0] ?? {},
      context: { sourceName: 'containerd.service', name: 'journald', index: 'my-logs' },
    });
  });

  it('goes on after a restart where it was, with what was written meanwhile', async () => {
    const section = `directory: ${join(folder, 'journal')}
since: '2025-01-01T00:00:00Z'
stateFile: ${join(folder, 'state')}`;
    store(entry(1), entry(2));
    run(section);
    await got('out.log', 2);
    // It stops its inputs at once, but waits for ten seconds before it exits.
    running?.kill('SIGTERM');
    for (let tries = 0; tries < 250; tries += 1) {
      if (existsSync(join(folder, 'state'))) {
        const { realtimeUs: us } = JSON.parse(readFileSync(join(folder, 'state'), 'utf8')) as {
          realtimeUs: number;
        };
        if (us === realtimeUs(2)) break;
      }
      await delay(20);
    }
    await kill('SIGKILL');
    store(entry(3));
    run(section);
    const records = await got('out.log', 3);
    expect(records.map(({ message }) => message)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('gets the lines of a file, and of an upload', async () => {
    const port = await freePort();
    run(`port: ${port}\ntoken: ${TOKEN}\nsince: '2025-01-01T00:00:00Z'`);
    const body = [entry(1), entry(2)];
    for (let tries = 0; ; tries += 1) {
      const answer = await post({ port, path: `/${TOKEN}/upload`, body }).catch(() => undefined);
      if (answer?.status === 202) break;
      if (tries > 500) throw new Error(`expected an upload to be taken: ${said}`);
      await delay(20);
    }
    const records = await got('out.log', 2);
    expect(records[1]).toMatchObject({ message: 'message 2', priority: 6, _hostname: 'node-1' });
  });

  it('goes on without an input whose section is wrong, and says why', async () => {
    run('unit: containerd.service\nunti: x');
    for (let tries = 0; !said.includes('unti: expected a key of this input'); tries += 1) {
      if (tries > 500) throw new Error(said);
      await delay(20);
    }
    appendFileSync(join(folder, 'alive'), '');
    expect(running?.exitCode).toBeNull();
  });
});

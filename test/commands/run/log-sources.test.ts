// From what containerd's log is read, as the settings say, and where reading begins.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logSourcesOf } from '../../../agent/commands/run/log-sources.ts';
import { logStart } from '../../../agent/commands/run/log-start.ts';
import { FollowedHost } from '../../../agent/commands/run/followed-host.ts';
import { parseConfig } from '../../../agent/config.ts';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import { UploadPlace } from '../../../agent/node/journald/upload-place.ts';
import { expectCode } from '../../support/expect-code.ts';
import { cursorOf, realtimeUs } from '../../support/journal.ts';

const TOKEN = 'c0ffee00-1111-4222-8333-444455556666';
const BIN_DIR = '/opt/containerd/image-verifier/bin';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-sources-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function sourcesOf(settings: Readonly<Record<string, string>>) {
  const config = parseConfig(settings);
  const host = new FollowedHost(config, { binDirs: [BIN_DIR], installed: [] });
  return logSourcesOf(config, host);
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const UPLOAD = { NODESEAL_JOURNAL_UPLOAD_LISTEN: '127.0.0.1:0' };

describe('the sources of containerd’s log', () => {
  it('are the journal alone where nothing is set', () => {
    expect(sourcesOf({}).map(({ name }) => name)).toEqual(['journald']);
  });

  it('are the journal and the file beside it', () => {
    const sources = sourcesOf({ NODESEAL_CONTAINERD_LOG: '/var/log/containerd.log' });
    expect(sources.map(({ name }) => name)).toEqual(['journald', 'file']);
  });

  it('are what is uploaded instead of the journal', () => {
    const token = { NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE: file('token', `${TOKEN}\n`) };
    expect(sourcesOf({ ...UPLOAD, ...token }).map(({ name }) => name)).toEqual(['upload']);
    const tls = {
      NODESEAL_JOURNAL_UPLOAD_CERTIFICATE: file('cert', 'c'),
      NODESEAL_JOURNAL_UPLOAD_KEY: file('key', 'k'),
    };
    expect(sourcesOf({ ...UPLOAD, ...token, ...tls })).toHaveLength(1);
    const [certificate] = Object.entries(tls).map(([name, value]) => ({ [name]: value }));
    expectCode(() => sourcesOf({ ...UPLOAD, ...token, ...certificate }), 'setting_invalid');
  });

  it.each(['', 'short', `${TOKEN} ${TOKEN}`, 'ä'.repeat(40), '/'.repeat(40)])(
    'are none where the token is %j, and it is not told',
    (token) => {
      const path = file('token', token);
      const error = expectCode(
        () => sourcesOf({ ...UPLOAD, NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE: path }),
        'setting_invalid',
      );
      if (token !== '') expect(error.message).not.toContain(token);
    },
  );

  it('are none where there is no token at all', () => {
    expectCode(() => sourcesOf(UPLOAD), 'setting_invalid');
    const missing = { NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE: join(folder, 'missing') };
    expectCode(() => sourcesOf({ ...UPLOAD, ...missing }), 'setting_invalid');
  });

  it('are trusted for what they can prove: the journal by its fields, the file for being one', () => {
    const [journal, log] = sourcesOf({ NODESEAL_CONTAINERD_LOG: '/var/log/containerd.log' });
    const line = 'time="2026-01-02T03:04:05Z" level=info msg="PullImage \\"busybox\\""';
    const fromFile = entry({ message: line });
    const fromContainerd = entry({
      ...{ message: line, unit: 'containerd.service', uid: 0, exe: '/usr/bin/containerd' },
    });
    const pull = { kind: 'containerd', event: { kind: 'pull_started', name: 'busybox' } };
    expect(journal?.read(fromContainerd)).toEqual(pull);
    expect(journal?.read(fromFile)).toEqual({ kind: 'nothing' });
    expect(log?.read(fromFile)).toEqual(pull);
  });

  it('take no verdict from a file, where our verifier does not write', () => {
    const [, log] = sourcesOf({ NODESEAL_CONTAINERD_LOG: '/var/log/containerd.log' });
    const forged = entry({ message: '{"msg":"notation signature verify: allow","nodeseal":1}' });
    expect(log?.read(forged)).toEqual({ kind: 'untrusted_verdict' });
    const cut = entry({ message: 'time="2026-01-02T03:04:05Z" level=info msg=a', truncated: true });
    expect(log?.read(cut)).toMatchObject({ kind: 'unreadable' });
  });
});

describe('reading begins', () => {
  const at = (n: number) => ({ cursor: cursorOf(n), realtimeUs: realtimeUs(n) });
  const ledger = (positions: Readonly<Record<string, ReturnType<typeof at>>>) => ({
    position: (source: string) => positions[source],
  });

  it('where the ledger stands with the source', () => {
    expect(logStart(ledger({}), 'journald')).toBeUndefined();
    expect(logStart(ledger({ journald: at(3) }), 'journald')).toEqual(at(3));
    expect(logStart(ledger({ journald: at(3), upload: at(4) }), 'file')).toBeUndefined();
    expect(logStart(ledger({ file: at(1), journald: at(3) }), 'file')).toEqual(at(1));
  });

  it('where the other way to read the same journal got, if that is further', () => {
    expect(logStart(ledger({ journald: at(3) }), 'upload')).toEqual(at(3));
    expect(logStart(ledger({ journald: at(3), upload: at(4) }), 'upload')).toEqual(at(4));
    expect(logStart(ledger({ journald: at(5), upload: at(4) }), 'upload')).toEqual(at(5));
    expect(logStart(ledger({ journald: at(5), upload: at(4) }), 'journald')).toEqual(at(5));
    const place = new UploadPlace({ cursor: cursorOf(9).replaceAll('a', 'c'), realtimeUs: 1 });
    const uploaded = place.moveTo(at(6));
    expect(uploaded.cursor).not.toBe(cursorOf(6));
    expect(logStart(ledger({ journald: at(5), upload: uploaded }), 'journald')).toEqual(at(6));
  });
});

function entry(fields: Partial<JournalEntry>): JournalEntry {
  return {
    ...{ cursor: 'c', realtimeUs: 1, unit: undefined, uid: undefined, exe: undefined },
    ...{ pid: undefined, transport: undefined },
    ...{ message: '', truncated: false },
    ...fields,
  };
}

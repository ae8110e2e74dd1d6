// Which writer counts for what: real lines, forged ones, and lines of neighbours in the same unit.
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import { readEntry } from '../../../agent/node/journald/reading.ts';
import { type JournalWriters, sourceOf } from '../../../agent/node/journald/trusted.ts';
import { encodeVerdictLine } from '../../../agent/node/journald/verdict-line.ts';
import { verdictOf } from '../../support/verdict.ts';

const WRITERS: JournalWriters = {
  unit: 'containerd.service',
  verifierPath: '/opt/containerd/image-verifier/bin/nodeseal-verifier',
};
const VERDICT_LINE = encodeVerdictLine(verdictOf({}), {
  name: 'registry.example/app:v1',
  via: 'host',
  mode: 'enforce',
});
const BLOCKED_LINE = `time="2026-08-22T10:11:12Z" level=warning msg="Image verifier blocked pull" digest="sha256:${'ab'.repeat(32)}" name=x reason=`;

const VERIFIER: JournalEntry = {
  cursor: 'c',
  realtimeUs: 1,
  unit: WRITERS.unit,
  uid: 0,
  exe: WRITERS.verifierPath,
  pid: 7,
  transport: 'stdout',
  message: VERDICT_LINE,
  truncated: false,
};
const CONTAINERD: JournalEntry = { ...VERIFIER, exe: '/usr/bin/containerd', message: BLOCKED_LINE };

describe('sourceOf', () => {
  it('knows the verifier and containerd, also after their files were replaced', () => {
    expect(sourceOf(VERIFIER, WRITERS)).toBe('verifier');
    expect(sourceOf({ ...VERIFIER, exe: `${WRITERS.verifierPath} (deleted)` }, WRITERS)).toBe(
      'verifier',
    );
    expect(sourceOf(CONTAINERD, WRITERS)).toBe('containerd');
    expect(sourceOf({ ...CONTAINERD, exe: '/usr/bin/containerd (deleted)' }, WRITERS)).toBe(
      'containerd',
    );
  });

  it('knows the verifier where it was before bin_dir moved', () => {
    const exe = '/srv/old/nodeseal-verifier';
    const otherVerifierPaths = new Set([exe]);
    expect(sourceOf({ ...VERIFIER, exe }, WRITERS)).toBe('other');
    expect(sourceOf({ ...VERIFIER, exe }, { ...WRITERS, otherVerifierPaths })).toBe('verifier');
  });

  it.each<[string, Partial<JournalEntry>]>([
    ['of another unit', { unit: 'kubepods-pod1.slice' }],
    ['of no unit', { unit: undefined }],
    ['of another user', { uid: 1000 }],
    ['without a user', { uid: undefined }],
    ['of a shim', { exe: '/usr/bin/containerd-shim-runc-v2' }],
    ['of a program whose name ends alike', { exe: '/usr/bin/notcontainerd' }],
    ['of a verifier elsewhere', { exe: '/tmp/nodeseal-verifier' }],
    ['whose writer was gone', { exe: undefined }],
    ['with a forged mark of deletion', { exe: `${WRITERS.verifierPath} (deleted) (deleted)` }],
  ])('trusts no entry %s', (_, broken) => {
    expect(sourceOf({ ...VERIFIER, ...broken }, WRITERS)).toBe('other');
  });
});

describe('sourceOf, where a distribution runs containerd', () => {
  it.each([
    ['k3s.service', '/var/lib/rancher/k3s/data/0123456789abcdef/bin/k3s', 'distribution'],
    ['k3s-agent.service', '/usr/local/bin/k3s', 'distribution'],
    ['rke2-server.service', '/usr/local/bin/rke2', 'distribution'],
    ['rke2-agent.service', '/opt/rke2/bin/rke2 (deleted)', 'distribution'],
    ['rke2-agent.service', '/var/lib/rancher/rke2/data/v1/bin/containerd', 'containerd'],
    ['k3s.service', '/usr/local/bin/rke2', 'other'],
    ['k3stools.service', '/usr/local/bin/k3s', 'other'],
    ['containerd.service', '/usr/local/bin/k3s', 'other'],
  ])('in %s, %s is %s', (unit, exe, source) => {
    expect(sourceOf({ ...CONTAINERD, unit, exe }, { ...WRITERS, unit })).toBe(source);
  });

  it('reads the lines that it relays, and leaves its own alone', () => {
    const unit = 'k3s.service';
    const relayed = { ...CONTAINERD, unit, exe: '/usr/local/bin/k3s' };
    const writers = { ...WRITERS, unit };
    expect(readEntry(relayed, writers)).toMatchObject({
      kind: 'containerd',
      event: { kind: 'pull_blocked' },
    });
    const own = 'I0822 10:11:12.123456    4242 image_gc_manager.go:1] "Disk usage"';
    expect(readEntry({ ...relayed, message: own }, writers)).toEqual({ kind: 'nothing' });
    expect(readEntry({ ...relayed, message: VERDICT_LINE }, writers)).toEqual({
      kind: 'untrusted_verdict',
    });
  });
});

describe('readEntry', () => {
  it("reads the verifier's verdict", () => {
    expect(readEntry(VERIFIER, WRITERS)).toMatchObject({
      kind: 'verdict',
      verdict: { decision: 'allow', via: 'host' },
    });
  });

  it("reads containerd's event", () => {
    expect(readEntry(CONTAINERD, WRITERS)).toMatchObject({
      kind: 'containerd',
      event: { kind: 'pull_blocked', name: 'x' },
    });
  });

  it.each<[string, Partial<JournalEntry>]>([
    ['another program', { exe: '/usr/bin/logger' }],
    ['a shim, through the stderr of containerd', { exe: '/usr/bin/containerd' }],
    ['somebody whose program is not known', { exe: undefined }],
  ])('does not count a verdict line of %s, but tells of it', (_, broken) => {
    expect(readEntry({ ...VERIFIER, ...broken }, WRITERS)).toEqual({ kind: 'untrusted_verdict' });
  });

  it('does not read what others wrote and what is not all there', () => {
    const entry = { ...VERIFIER, exe: '/usr/bin/logger', truncated: true };
    expect(readEntry(entry, WRITERS)).toEqual({ kind: 'nothing' });
  });

  it('tells a timeout by the one that is configured', () => {
    const error =
      'failed to call verifier v (runtime 2.1s): waiting on command to exit: signal: killed';
    const message = `time="t" level=error msg="No judgement received from verifier" digest="sha256:${'ab'.repeat(32)}" error="${error}" name=x`;
    const entry = { ...CONTAINERD, message };
    const within = (writers: JournalWriters) => readEntry(entry, writers);
    expect(within(WRITERS)).toMatchObject({ event: { cause: 'killed' } });
    expect(within({ ...WRITERS, verifierTimeoutMs: 2000 })).toMatchObject({
      event: { cause: 'timeout' },
    });
  });

  it("ignores containerd's words from another program", () => {
    const entry = { ...CONTAINERD, exe: '/usr/bin/containerd-shim-runc-v2' };
    expect(readEntry(entry, WRITERS)).toEqual({ kind: 'nothing' });
  });

  it("ignores containerd's lines about other things", () => {
    const message = 'time="2026-08-22T10:11:12Z" level=info msg="loading plugin"';
    expect(readEntry({ ...CONTAINERD, message }, WRITERS)).toEqual({ kind: 'nothing' });
  });

  it.each<[string, JournalEntry]>([
    ['raw output of a shim', { ...CONTAINERD, message: 'panic: oh no' }],
    ['a line that journald split', { ...CONTAINERD, message: BLOCKED_LINE.slice(0, 90) }],
    ['a crash of the verifier', { ...VERIFIER, message: 'Segmentation fault' }],
    ['a verdict line cut short', { ...VERIFIER, message: VERDICT_LINE.slice(0, 300) }],
    ['a verdict line that is not all of what was written', { ...VERIFIER, truncated: true }],
    ['a line that is not all of what was written', { ...CONTAINERD, truncated: true }],
  ])('returns %s as unreadable, with a code', (_, entry) => {
    expect(readEntry(entry, WRITERS)).toMatchObject({
      kind: 'unreadable',
      error: { code: 'journal_line_invalid' },
    });
  });
});

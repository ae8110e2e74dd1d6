// What install and uninstall tell of containerd's configuration, and a host whose containerd is down.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configureLines, unconfigureLines } from '../../agent/commands/containerd-report.ts';
import { install } from '../../agent/commands/install.ts';
import { uninstall } from '../../agent/commands/uninstall.ts';
import { encodeRecord } from '../../agent/node/host/containerd-config/record.ts';
import { digestOf } from '../../agent/node/host/containerd-config/record-file.ts';
import { AgentHost, IS_ROOT, VERIFIER } from '../support/agent-host.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand } from '../support/front-door.ts';
import { put } from '../support/host-root.ts';

const CONFIG = '/etc/containerd/config.toml';
const RECORD = '/var/lib/nodeseal/containerd-config.json';
const BEFORE = 'version = 3\n';
const TABLE = 'plugins."io.containerd.image-verifier.v1.bindir"';
const AFTER = `${BEFORE}\n[${TABLE}]\n  max_verifiers = 10\n`;

function configured(text: string): AgentHost {
  const host = new AgentHost();
  put(host.root, CONFIG, text);
  const path = ['plugins', 'io.containerd.image-verifier.v1.bindir', 'max_verifiers'];
  const record = encodeRecord({
    path: CONFIG,
    before: BEFORE,
    afterSha256: digestOf(AFTER),
    written: [{ path, raw: '10', before: null, isTableOurs: true }],
    directories: [],
  });
  put(host.root, RECORD, Buffer.from(record).toString());
  return host;
}

describe.runIf(IS_ROOT)('uninstall, with containerd down', () => {
  it('puts the configuration back byte for byte', async () => {
    const host = configured(AFTER);
    const planned = await runCommand(uninstall, ['--dry-run'], host.settings());
    expect(planned.stdout).toContain(
      `-[${TABLE}]\n-  max_verifiers = 10\nwould restore  ${CONFIG}`,
    );
    expect(readFileSync(host.at(CONFIG), 'utf8')).toBe(AFTER);
    const { code, stdout } = await runCommand(uninstall, [], host.settings());
    expect(code).toBe(0);
    expect(stdout).toContain(`restored  ${CONFIG}: as it was before; containerd was down`);
    expect(readFileSync(host.at(CONFIG), 'utf8')).toBe(BEFORE);
    expect(existsSync(host.at(RECORD))).toBe(false);
  });

  it('takes out only its own lines where others have changed it', async () => {
    const host = configured(`# theirs\n${AFTER}`);
    const { stdout } = await runCommand(uninstall, ['--output', 'json'], host.settings());
    expect(JSON.parse(stdout)).toMatchObject({
      containerd: { path: CONFIG, isChangedByOthers: true, isRestarted: false, left: [] },
    });
    expect(readFileSync(host.at(CONFIG), 'utf8')).toBe(`# theirs\n${BEFORE}`);
  });

  it('forgets what is not there any more, and writes nothing where nothing was changed', async () => {
    const host = configured(BEFORE);
    const { stdout } = await runCommand(uninstall, [], host.settings());
    expect(stdout).not.toContain('restored');
    expect(existsSync(host.at(RECORD))).toBe(false);
  });
});

describe.runIf(IS_ROOT)('install --configure-containerd, with containerd down', () => {
  it('installs, changes nothing of containerd, and fails', async () => {
    const host = new AgentHost();
    put(host.root, CONFIG, BEFORE);
    const running = runCommand(install, ['--configure-containerd'], host.settings());
    await expectCodeAsync(running, 'containerd_unavailable');
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    expect(readFileSync(host.at(CONFIG), 'utf8')).toBe(BEFORE);
  });
});

describe('the report', () => {
  const diff = `--- ${CONFIG}\n+++ ${CONFIG}\n@@ -1,1 +1,1 @@\n-a\n+b\n`;

  it('has the difference of a change, done or planned', () => {
    const result = { kind: 'changed', path: CONFIG, diff } as const;
    const lines = [`--- ${CONFIG}`, `+++ ${CONFIG}`, '@@ -1,1 +1,1 @@', '-a', '+b'];
    expect(configureLines(result, true)).toEqual([
      ...lines,
      `would change  ${CONFIG}, and restart containerd`,
    ]);
    expect(configureLines(result, false)).toEqual([
      ...lines,
      `changed  ${CONFIG}, and restarted containerd`,
    ]);
  });

  it('has each obstacle with its remedy', () => {
    const obstacle = {
      code: 'registry_mirrors',
      effect: 'bypass',
      message: 'set for "a"',
      remedy: 'Use hosts.toml.',
      isFixable: false,
    } as const;
    expect(configureLines({ kind: 'obstructed', obstacles: [obstacle] }, false).slice(1)).toEqual([
      '  registry_mirrors: set for "a"',
      '    Use hosts.toml.',
    ]);
  });

  it('has what was left to others', () => {
    const result = {
      path: CONFIG,
      diff,
      isChangedByOthers: true,
      isRestarted: true,
      left: ['a.b'],
    };
    expect(unconfigureLines(result, false)).toEqual([
      `restored  ${CONFIG}: changed by others since, so that only our lines are taken out; containerd was restarted`,
      `left     ${CONFIG}: a.b: changed by others`,
    ]);
  });
});

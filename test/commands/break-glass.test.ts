// Breaking the glass: what is written is what root's verifier takes, and is gone when it is over.
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { breakGlass } from '../../agent/commands/break-glass.ts';
import { readBreakGlass } from '../../agent/pull/break-glass-file.ts';
import { IS_ROOT } from '../support/agent-host.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand } from '../support/front-door.ts';
import { createHostRoot } from '../support/host-root.ts';

const FOLDER = 'run/nodeseal';
const GOOD = ['--for', '2h', '--reason', 'registry is down', '--by', 'alice'];

function open() {
  const root = createHostRoot();
  const path = join(root, FOLDER, 'break-glass.json');
  return {
    root,
    path,
    files: () => readdirSync(join(root, FOLDER)),
    read: () => readBreakGlass(path, new Date(), 0),
    run: (args: readonly string[], environment: Record<string, string> = {}) =>
      runCommand(breakGlass, args, { NODESEAL_HOST_ROOT: root, ...environment }),
  };
}

describe.runIf(IS_ROOT)('nodeseal break-glass', () => {
  it('lets in for as long as it says, with a file that only root reads', async () => {
    const host = open();
    const { code, stdout } = await host.run(GOOD);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/until .+Z, by alice: registry is down\n.*--off\n$/) as unknown,
    });
    const found = host.read();
    expect(found).toMatchObject({ state: 'active', reason: 'registry is down', by: 'alice' });
    const leftMs = found.state === 'active' ? found.until.getTime() - Date.now() : 0;
    expect(leftMs / 3_600_000).toBeCloseTo(2, 1);
    expect(statSync(host.path).mode & 0o777).toBe(0o600);
    expect(host.files()).toEqual(['break-glass.json']);
  });

  it('takes the longest time there is, and another order in place of the last', async () => {
    const host = open();
    await host.run(['--for', '24h', '--reason', 'x', '--by', 'alice']);
    expect(host.read()).toMatchObject({ state: 'active' });
    await host.run(['--for', '1m', '--reason', 'y', '--by', 'bob']);
    expect(host.read()).toMatchObject({ by: 'bob' });
  });

  it('takes who asks for it from the environment', async () => {
    const host = open();
    await host.run(GOOD.slice(0, 4), { SUDO_USER: 'carol', USER: 'root' });
    expect(host.read()).toMatchObject({ by: 'carol' });
    await host.run(GOOD.slice(0, 4), { USER: 'dave' });
    expect(host.read()).toMatchObject({ by: 'dave' });
  });

  it('is over when it is told, be there one or none', async () => {
    const host = open();
    await host.run(GOOD);
    expect(await host.run(['--off'])).toMatchObject({ code: 0 });
    expect(host.read()).toEqual({ state: 'absent' });
    expect(await host.run(['--off'])).toMatchObject({ code: 0 });
  });

  it.each([
    ['nothing', []],
    ['no time', ['--reason', 'x', '--by', 'y']],
    ['no reason', ['--for', '1h', '--by', 'y']],
    ['nobody', ['--for', '1h', '--reason', 'x']],
    ['more than a day', ['--for', '25h', '--reason', 'x', '--by', 'y']],
    ['no end', ['--for', '0h', '--reason', 'x', '--by', 'y']],
    ['both', ['--off', ...GOOD]],
  ])('refuses %s, and writes nothing', async (_, args) => {
    const host = open();
    await expectCodeAsync(host.run(args), 'argument_invalid');
    expect(host.read()).toEqual({ state: 'absent' });
  });

  it('leaves what its verifier would not take', async () => {
    const host = open();
    await expectCodeAsync(
      host.run(['--for', '1h', '--reason', ' ', '--by', 'y']),
      'break_glass_invalid',
    );
    expect(host.files()).toEqual([]);
  });

  it('stays on the host, and says what keeps it from writing', async () => {
    const host = open();
    mkdirSync(join(host.root, 'var/run'), { recursive: true });
    symlinkSync('/var/run', join(host.root, 'run'));
    await host.run(GOOD);
    expect(readdirSync(join(host.root, 'var/run/nodeseal'))).toEqual(['break-glass.json']);
    const full = open();
    writeFileSync(join(full.root, 'run'), '');
    await expectCodeAsync(full.run(GOOD), 'host_write_failed');
  });
});

// Which journalctl is run, and with what.
import { describe, expect, it } from 'vitest';
import { journalReaders, ReaderChoice } from '../../../agent/node/journald/journal-reader.ts';
import { followArguments, newestArguments } from '../../../agent/node/journald/journalctl.ts';

const JOURNALCTL = '/usr/bin/journalctl';

describe('journalReaders', () => {
  it('are the host’s own in its root, and ours below it', () => {
    const [host, own, ...more] = journalReaders({ hostRoot: '/host', journalctl: JOURNALCTL });
    expect(host.command).toEqual(['chroot', '/host', 'journalctl']);
    expect(host.options).toEqual([]);
    expect(own).toMatchObject({ command: [JOURNALCTL], options: ['--root=/host'] });
    expect(more).toEqual([]);
  });

  it.each([
    ['its root is ours', { hostRoot: '/', journalctl: JOURNALCTL }, []],
    [
      'a directory is set',
      { hostRoot: '/host', journalctl: JOURNALCTL, directory: '/srv/journal' },
      ['--directory=/srv/journal'],
    ],
  ])('are one where %s', (_, settings, options) => {
    expect(journalReaders(settings)).toMatchObject([{ command: [JOURNALCTL], options }]);
  });
});

describe('the arguments', () => {
  const [reader] = journalReaders({ hostRoot: '/', journalctl: JOURNALCTL, directory: '/j' });

  it('follow all boots and writers from a place on', () => {
    const args = followArguments(reader, { sinceUs: 1_766_000_000_000_007 });
    expect(args).toEqual(expect.arrayContaining(['--output=export', '--all', '--merge']));
    expect(args).toEqual(expect.arrayContaining(['--follow', '--no-tail']));
    expect(args.slice(-2)).toEqual(['--directory=/j', '--since=@1766000000.000007']);
    // In systemd 250 and 251 the last of the two wins.
    expect(args.indexOf('--boot=all')).toBeGreaterThan(args.indexOf('--follow'));
    expect(args.filter((arg) => arg.includes('_SYSTEMD_UNIT='))).toEqual([]);
    expect(followArguments(reader, { cursor: 's=1' })).toContain('--cursor=s=1');
  });

  it('ask for the newest entry without following', () => {
    const args = newestArguments(reader);
    expect(args).toEqual(expect.arrayContaining(['--lines=1', '--merge', '--directory=/j']));
    expect(args).not.toContain('--follow');
  });
});

describe('ReaderChoice', () => {
  const readers = journalReaders({ hostRoot: '/host', journalctl: JOURNALCTL });

  it('makes room for the next reader when the first brings nothing twice, and comes back', () => {
    const choice = new ReaderChoice(readers);
    expect(choice.current).toBe(readers[0]);
    expect(choice.ended(true)).toBe(false);
    expect(choice.ended(true)).toBe(true);
    expect(choice.current).toBe(readers[1]);
    expect(choice.ended(false)).toBe(false);
    expect(choice.current).toBe(readers[0]);
    // One more try, not two.
    expect(choice.ended(true)).toBe(true);
  });

  it('stays with a reader that brings something before it ends', () => {
    const choice = new ReaderChoice(readers);
    for (const isFruitless of [true, false, true, false]) {
      expect(choice.ended(isFruitless)).toBe(false);
    }
    expect(choice.current).toBe(readers[0]);
  });

  it('has no choice where there is one', () => {
    const choice = new ReaderChoice(journalReaders({ hostRoot: '/', journalctl: JOURNALCTL }));
    for (let n = 0; n < 5; n += 1) expect(choice.ended(true)).toBe(false);
  });
});

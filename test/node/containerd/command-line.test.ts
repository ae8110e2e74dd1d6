import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../agent/node/containerd/command-line.ts';

const parse = (line: string) => parseCommandLine(line.split(' '));

describe('a command line of containerd', () => {
  it.each([
    ['/usr/bin/containerd', null, null],
    ['containerd -c /a.toml', '/a.toml', null],
    ['containerd --config /a.toml', '/a.toml', null],
    ['containerd --config=/a.toml', '/a.toml', null],
    ['containerd -config /a.toml -address=/s', '/a.toml', '/s'],
    ['containerd --c=/a=b.toml', '/a=b.toml', null],
    ['containerd -l debug --root /r --state /s -a /run/s.sock -c /a', '/a', '/run/s.sock'],
    ['containerd --log-level --config --address /s', null, '/s'],
    ['containerd --unknown -c /a', '/a', null],
    ['containerd --unknown value -c /a', '/a', null],
    ['containerd -c', '', null],
  ])('%s', (line, configPath, address) => {
    expect(parse(line)).toEqual({ configPath, address, isSubcommand: false });
  });

  it.each(['containerd config dump', 'containerd --config /a config dump', 'containerd publish'])(
    '%s serves nobody',
    (line) => {
      expect(parse(line).isSubcommand).toBe(true);
    },
  );

  it('keeps a path with a line break or nothing in it whole', () => {
    expect(parseCommandLine(['containerd', '--config=/a\nb']).configPath).toBe('/a\nb');
    expect(parseCommandLine(['containerd', '--config=']).configPath).toBe('');
  });
});

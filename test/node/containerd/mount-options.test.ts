import { describe, expect, it } from 'vitest';
import { mountOptionsAt } from '../../../agent/node/containerd/mount-options.ts';

const MOUNTS = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /opt rw,nosuid,noexec shared:2 master:1 - tmpfs tmpfs rw
24 22 0:21 / /opt/with\\040space rw,nodev - tmpfs tmpfs rw
25 22 0:22 / /var rw,noexec - tmpfs tmpfs rw
26 22 0:23 / /var rw - tmpfs tmpfs rw
bad line
`;

describe('the options of a mount', () => {
  it.each([
    ['/', 'rw,relatime'],
    ['/usr/bin', 'rw,relatime'],
    ['/opt', 'rw,nosuid,noexec'],
    ['/opt/containerd/bin', 'rw,nosuid,noexec'],
    ['/optional', 'rw,relatime'],
    ['/opt/with space/bin', 'rw,nodev'],
    ['/var/lib', 'rw'],
  ])('of %s are %s', (path, options) => {
    expect([...mountOptionsAt(MOUNTS, path)].join(',')).toBe(options);
  });

  it('are none where nothing is mounted', () => {
    expect(mountOptionsAt('', '/opt').size).toBe(0);
  });
});

// What the host says: containerd's configuration and command line, mounts, systemd.
import { parseCommandLine } from '../../../agent/node/containerd/command-line.ts';
import { parseGoDuration } from '../../../agent/go-duration.ts';
import { mountOptionsAt } from '../../../agent/node/containerd/mount-options.ts';
import {
  IMAGES_PLUGIN,
  parsePullSettings,
  RUNTIME_PLUGIN,
  VERIFIER_PLUGIN,
} from '../../../agent/node/containerd/pull-settings.ts';
import { parseOsRelease } from '../../../agent/node/containerd/platform-facts.ts';
import { parseToml } from '../../../agent/node/containerd/toml.ts';
import { decodeMessage, encodeCall, messageLength } from '../../../agent/node/host/dbus/message.ts';
import type { Reader } from '../fuzz.ts';
import { ofText, texts } from '../text.ts';

const CONFIG = `version = 3
imports = ["/etc/containerd/conf.d/*.toml"]
disabled_plugins = []
[plugins.'${VERIFIER_PLUGIN}']
  bin_dir = '/opt/containerd/image-verifier/bin'
  max_verifiers = 10
  per_verifier_timeout = '10s'
[plugins.'${IMAGES_PLUGIN}']
  snapshotter = "overlayfs"
  use_local_image_pull = false
  max_concurrent_downloads = 3
[plugins.'${IMAGES_PLUGIN}'.registry.mirrors."docker.io"]
  endpoint = ["https://mirror.example"]
[plugins.'${RUNTIME_PLUGIN}'.containerd.runtimes.runc]
  snapshotter = ''
[proxy_plugins.stargz]
  type = "snapshot"
  address = "/run/stargz.sock"
`;

export const HOST_READERS: readonly Reader[] = [
  {
    name: 'configuration of containerd',
    seeds: () =>
      texts(CONFIG, 'a = 1979-05-27T07:32:00Z\nb = [1, 0x1f, 1e3, inf]\n[[c]]\nd.e = {}'),
    read: (bytes) => parsePullSettings(parseToml(bytes, 'configuration')),
  },
  {
    name: 'command line of containerd',
    seeds: () =>
      texts('/usr/bin/containerd\0--config=/etc/a.toml\0-a\0/run/a.sock\0--log-level\0info'),
    read: ofText((text) => parseCommandLine(text.split('\0'))),
  },
  {
    name: 'duration of Go',
    seeds: () => texts('1h2m3.5s', '-10ms', '0', '.5µs'),
    read: ofText(parseGoDuration),
  },
  {
    name: 'mounts',
    seeds: () =>
      texts(
        '22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/a rw\n30 22 0:5 / /opt\\040a ro,noexec - tmpfs a rw',
      ),
    read: ofText((text) => mountOptionsAt(text, '/opt a/b')),
  },
  {
    name: 'os-release',
    seeds: () => texts('ID=debian\nNAME="Debian \\"GNU\\""\n# a\nID_LIKE=\'a b\'\n'),
    read: ofText(parseOsRelease),
  },
  {
    name: 'message of systemd',
    seeds: () => [
      encodeCall(
        {
          destination: 'org.freedesktop.systemd1',
          path: '/org/freedesktop/systemd1',
          interface: 'org.freedesktop.systemd1.Manager',
          member: 'RestartUnit',
          strings: ['containerd.service', 'replace'],
        },
        1,
      ),
    ],
    read: (bytes) => {
      if (bytes.length >= 16) messageLength(bytes.subarray(0, 16));
      return decodeMessage(bytes).values();
    },
  },
];

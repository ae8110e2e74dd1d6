// The agent as it is deployed, without an image store: in a container of its image, made by runc for the chart's pod.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readArchive, unpackRoot } from '../../hack/image/archive.ts';
import { buildAgentImage } from './agent-image.ts';
import { HOST_TRUST, renderChart } from './rendered-manifests.ts';
import { type RenderedPod, renderedPod } from './rendered-pod.ts';

/** The image, unpacked: its files at `root`, and how it is configured. */
export const UNPACKED = resolve(import.meta.dirname, '../../dist/image');
/** Where a test node has the image's files. */
export const IMAGE_IN_NODE = '/usr/local/lib/nodeseal-image';

/** Builds and unpacks the image, unless that of the same sources is there. */
export async function unpackAgentImage(): Promise<void> {
  const archive = await buildAgentImage();
  const { digest, config } = await readArchive(archive);
  const stamp = join(UNPACKED, 'digest');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return;
  const partial = `${UNPACKED}.${process.pid}`;
  await mkdir(join(partial, 'root'), { recursive: true });
  await unpackRoot(archive, join(partial, 'root'));
  await writeFile(join(partial, 'config.json'), JSON.stringify(config));
  await writeFile(join(partial, 'digest'), digest);
  await rm(UNPACKED, { recursive: true, force: true });
  await rename(partial, UNPACKED);
}

// Arguments: the configuration of the container without its root, the image's files, directories of the host to make.
// A layer to write to is there for runc alone, which makes what things are mounted on.
const RUN = `
config=$1 image=$2; shift 2
for directory do mkdir -p "$directory"; done
work=$(mktemp -d /run/agent-XXXXXX)
mkdir "$work/upper" "$work/work" "$work/rootfs"
mount -t overlay -o "lowerdir=$image,upperdir=$work/upper,workdir=$work/work" overlay "$work/rootfs"
printf '%s' "$config" >"$work/config.json"
exec runc run --bundle "$work" "\${work##*/}"`;

/** What a test changes of the pod's environment, and what of the node is mounted besides, to be read. */
export interface ContainerChanges {
  readonly environment: Readonly<Record<string, string>>;
  readonly directories: readonly string[];
}

/** The command that runs `nodeseal` with arguments in a container of the chart's pod, on a test node. */
export function containerCommand(
  args: readonly string[],
  { environment, directories }: ContainerChanges,
): readonly string[] {
  const image = JSON.parse(readFileSync(join(UNPACKED, 'config.json'), 'utf8')) as ImageConfig;
  const values = { ...HOST_TRUST, mode: 'enforce', kubernetes: { report: false } };
  const pod = renderedPod(renderChart(values));
  const bound = [...hostMounts(pod), ...directories.map((path) => [path, path, true] as const)];
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid: pod.uid, gid: pod.gid },
      args: [...(pod.command ?? image.Entrypoint), ...args],
      env: [
        ...image.Env,
        ...Object.entries({ ...pod.env, ...environment }).map((pair) => pair.join('=')),
      ],
      cwd: '/',
      capabilities: Object.fromEntries(
        ['bounding', 'effective', 'permitted'].map((set) => [
          set,
          pod.capabilities.map((name) => `CAP_${name}`),
        ]),
      ),
      noNewPrivileges: !pod.hasNewPrivileges,
    },
    root: { path: 'rootfs', readonly: pod.hasReadOnlyRoot },
    mounts: [...OWN_MOUNTS, ...bound.map((mount) => bindMount(...mount))],
    linux: { namespaces: ['pid', 'ipc', 'mount'].map((type) => ({ type })) },
  };
  const made = bound.filter(([, , isReadOnly]) => !isReadOnly).map(([source]) => source);
  return [
    ...['sh', '-euc', RUN, 'container', JSON.stringify(config), IMAGE_IN_NODE],
    ...made,
    ...directories,
  ];
}

interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
}

/** What every container has of its own, as containerd gives it. */
const OWN_MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'ro'] },
];

type Mount = readonly [source: string, destination: string, isReadOnly: boolean];

function hostMounts({ mounts }: RenderedPod): readonly Mount[] {
  return mounts.flatMap(({ path, isReadOnly, source }) =>
    source.kind === 'host' ? [[source.path, path, isReadOnly] as const] : [],
  );
}

/** What the node mounts later is seen, as with HostToContainer. */
function bindMount(source: string, destination: string, isReadOnly: boolean): object {
  const options = ['rbind', 'rslave', isReadOnly ? 'ro' : 'rw'];
  return { destination, type: 'bind', source, options };
}

// Where on a node a password is left: in files, in what processes were started with, and in the journal.
import type { Login } from './private-registry.ts';
import type { TestNode } from './test-node.ts';

/** The two forms in which it travels. */
export function formsOf({ username, password }: Login): readonly [string, string] {
  return [password, Buffer.from(`${username}:${password}`).toString('base64')];
}

const SEARCH = String.raw`
  printf '%s\n%s\n' "$1" "$2" >/dev/shm/needles
  {
    # Where tests put it on purpose.
    grep --recursive --text --files-with-matches --fixed-strings --file=/dev/shm/needles \
      --exclude-dir=private-registry --exclude-dir=providers \
      /etc /opt /root /run /srv /tmp /var/lib/nodeseal /var/log \
      /var/lib/containerd/io.containerd.metadata.v1.bolt
    for directory in /proc/[0-9]*; do
      # This shell is told what to look for.
      [ "$directory" = "/proc/$$" ] ||
        grep --text --files-with-matches --fixed-strings --file=/dev/shm/needles \
          "$directory/environ" "$directory/cmdline"
    done
    journalctl --all --output=export |
      grep --text --quiet --fixed-strings --file=/dev/shm/needles && echo journal
  } 2>/dev/null
  rm /dev/shm/needles`;

/** The paths, and `journal`; none where there are no traces. Kubelet's own folder is not looked at. */
export async function tracesOf(login: Login, node: TestNode): Promise<readonly string[]> {
  const command = ['sh', '-c', SEARCH, 'traces', ...formsOf(login)];
  const found = (await node.output(command)).split('\n').filter(Boolean);
  // The journal's files hold what the journal does.
  return found.filter((path) => !/^\/(?:run|var)\/log\/journal\//.test(path));
}

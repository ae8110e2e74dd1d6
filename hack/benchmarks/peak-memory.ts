// The most memory that a program on a node holds from its start to its end.
import type { TestNode } from '../../test/support/test-node.ts';

const TIMEOUT_MS = 60_000;

// By wait4 itself, and from a small process: what a shell can tell of a child's memory is nothing, and a
// child counts what its parent holds when it is made. Arguments: rounds, file for standard input, command.
const PEAK = `
  use POSIX ();
  my ($rounds, $input, @command) = @ARGV;
  my $wait4 = { x86_64 => 61, aarch64 => 260 }->{(POSIX::uname())[4]} or die 'unknown architecture';
  for (1 .. $rounds) {
    my $child = fork() // die 'no process';
    if (!$child) {
      open(STDIN, '<', $input) && open(STDOUT, '>', '/dev/null') && exec(@command);
      POSIX::_exit(127);
    }
    my ($status, $usage) = ("\\0" x 4, "\\0" x 144);
    syscall($wait4, $child, $status, 0, $usage) == $child or die 'no child';
    unpack('i', $status) == 0 or die "@command: failed";
    # struct rusage: two times before it.
    print unpack('x32 q', $usage), "\\n";
  }`;

/** Megabytes of each of several runs. Rejects if one fails. */
export async function peakMemory(
  node: TestNode,
  rounds: number,
  command: readonly string[],
  stdin = '',
): Promise<readonly number[]> {
  const input = '/run/bench-input';
  await node.writeFile(input, stdin);
  const printed = await node.output(['perl', '-e', PEAK, String(rounds), input, ...command], {
    timeoutMs: TIMEOUT_MS,
  });
  return printed
    .trim()
    .split('\n')
    .map((kib) => (Number(kib) * 1024) / 1e6);
}

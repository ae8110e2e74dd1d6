// All that happens to a journal while it is read, on a test node, over and over.
import type { ChildProcess } from 'node:child_process';
import type { TestNode } from './test-node.ts';

/** journald would throw away what has not been counted, or refuse to write it. */
const SETTINGS = `[Journal]
Storage=persistent
RateLimitIntervalSec=0
SystemMaxFiles=100000
SystemKeepFree=1M
`;

/** systemd allows five starts in ten seconds otherwise. */
const UNIT = `[Unit]
StartLimitIntervalSec=0
`;

const LOOPS = [
  'while :; do journalctl --quiet --rotate || :; sleep 0.05; done',
  // Nobody else's: the node has processes of its own.
  'while :; do sleep 0.7; pkill -KILL -x journalctl || :; done',
  'while :; do sleep 1.5; systemctl restart systemd-journald; done',
];

/** Rotates every 50 ms, kills each journalctl, restarts journald. */
export class JournalUnrest {
  readonly #node: TestNode;
  #loops: readonly ChildProcess[] = [];

  private constructor(node: TestNode) {
    this.#node = node;
  }

  /** Makes journald keep whatever is written, but does not begin. */
  static async prepare(node: TestNode): Promise<JournalUnrest> {
    await node.writeFile('/etc/systemd/journald.conf.d/unrest.conf', SETTINGS);
    await node.writeFile('/etc/systemd/system/systemd-journald.service.d/unrest.conf', UNIT);
    await node.output(['systemctl', 'daemon-reload']);
    await node.output(['systemctl', 'restart', 'systemd-journald']);
    return new JournalUnrest(node);
  }

  start(): void {
    this.#loops = LOOPS.map((loop) => this.#node.spawn(['sh', '-c', loop]));
  }

  /** Resolves once nothing happens to the journal any more. */
  async stop(): Promise<void> {
    const ended = this.#loops.map((loop) => new Promise((resolve) => loop.once('close', resolve)));
    for (const loop of this.#loops) loop.kill('SIGKILL');
    this.#loops = [];
    await Promise.all(ended);
    // A restart that was under way goes on without who asked for it.
    await this.#node.output(['systemctl', 'start', 'systemd-journald']);
  }

  /**
   * Removes what was written before now, once `seen` has resolved for the time, in microseconds since
   * 1970, up to which files may be removed. Not while anything else happens to the journal.
   */
  async vacuum(seen: (untilUs: number) => Promise<void>): Promise<void> {
    const began = Date.now();
    // What is removed is whole files by the time of their first entry: the last of them ends here.
    await this.#node.output(['journalctl', '--rotate']);
    await seen(Date.now() * 1000);
    const seconds = Math.ceil((Date.now() - began) / 1000) + 1;
    await this.#node.output(['journalctl', `--vacuum-time=${seconds}s`]);
  }
}

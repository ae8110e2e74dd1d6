// Writes what pulls leave in the journal, at a steady rate: run by Bun under the path of the program whose lines it writes.
// Arguments: `verifier` or `containerd`, pulls per second, how many. Prints a line of JSON for each: when it was written.
import { setTimeout as delay } from 'node:timers/promises';
import { encodeStreamHeader, encodeStreamLine } from '../../agent/node/journald/stdout-stream.ts';
import { BlockingSocket } from '../../agent/pull/blocking-socket.ts';
import { VerdictStream } from '../../agent/pull/verdict-stream.ts';
import { pullLines, pullVerdict } from './pull-lines.ts';

const JOURNAL = {
  socket: '/run/systemd/journal/stdout',
  directories: ['/run/log/journal', '/var/log/journal'],
};
const RECORD_MS = 5_000;

const [who = '', perSecond = '', count = ''] = process.argv.slice(2);
const write = who === 'verifier' ? verdictWriter() : containerdWriter();
const started = performance.now();
for (let pull = 0; pull < Number(count); pull += 1) {
  const waitMs = started + (pull / Number(perSecond)) * 1000 - performance.now();
  if (waitMs > 0) await delay(waitMs);
  const at = performance.timeOrigin + performance.now();
  write(pull);
  process.stdout.write(`${at}\n`);
}

/** A connection for each pull, as a process for each pull has. */
function verdictWriter() {
  return (pull: number): void => {
    const stream = new VerdictStream(JOURNAL);
    stream.record(pullVerdict(pull), performance.now() + RECORD_MS);
  };
}

/** One connection for all, as a service has. */
function containerdWriter() {
  const header = { identifier: 'containerd', unit: 'containerd.service', priority: 6 };
  const socket = new BlockingSocket(JOURNAL.socket, performance.now() + RECORD_MS);
  socket.send(encodeStreamHeader(header));
  return (pull: number): void => {
    socket.waitNoLongerThan(performance.now() + RECORD_MS);
    for (const line of pullLines(pull, new Date())) socket.send(encodeStreamLine(line));
  };
}

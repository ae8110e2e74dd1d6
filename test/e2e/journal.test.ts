// The journal of a real journald as a source: rotated, vacuumed, restarted, moved, flooded, forged
// and cut, and nothing is lost unsaid.
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { createSystemd } from '../../agent/node/host/systemd.ts';
import { createJournalSource } from '../../agent/node/journald/follow.ts';
import { journalReaders, type JournalReaders } from '../../agent/node/journald/journal-reader.ts';
import type { FollowIncident, LogPosition } from '../../agent/node/journald/source.ts';
import type { Patience } from '../../agent/node/journald/stall.ts';
import { positionOf, start } from '../node/journald/source-conformance.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const EXEC = resolve(import.meta.dirname, '../../hack/node/exec');
/** Nothing in these tests waits for as long as that but what is to be found out. */
const PATIENCE: Patience = { firstMs: 500, nextMs: 1000, stalledMs: 1500 };
const UNLIMITED = ['-p', 'LogRateLimitIntervalSec=0'];
const PERL_LINES = 'use IO::Handle; STDOUT->autoflush(1); ';

describeOnNode('the journal of a real journald', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await bootTestNode();
    return () => node.stop();
  });

  /** The journalctl of the node, as one on a bare host. */
  function ofNode(): JournalReaders {
    return [{ name: 'journalctl', command: [EXEC, node.name, 'journalctl'], options: [] }];
  }

  function follow(unit: string, after?: LogPosition, readers = ofNode()) {
    const systemd = createSystemd(node.root);
    const hostVersion = (signal: AbortSignal) => systemd.readVersion(signal);
    const source = createJournalSource({ readers, unit, hostVersion, patience: PATIENCE });
    const follower = start(source, after === undefined ? {} : { after });
    return {
      ...follower,
      /** Lines of the unit; entries of others are only told of as signs of life. */
      lines: () => follower.entries.flatMap((entry) => (entry.unit === unit ? [entry] : [])),
      texts: () =>
        follower.entries.flatMap((entry) => (entry.unit === unit ? [entry.message] : [])),
      mishaps: () => follower.incidents.filter(({ kind }) => kind !== 'caught_up'),
    };
  }

  const unitName = () => `writer-${randomBytes(4).toString('hex')}.service`;

  /** Runs a Perl program as a unit of the node, to its end. */
  async function write(unit: string, perl: string, options: readonly string[] = UNLIMITED) {
    const run = ['systemd-run', '--quiet', '--wait', '--collect', `--unit=${unit}`];
    await node.output([...run, ...options, 'perl', '-e', PERL_LINES + perl]);
  }

  const lines = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`);
  const printLines = (from: number, to: number, pauseSeconds = 0) =>
    `for ($i = ${from}; $i <= ${to}; $i++) { print "line $i\\n"; select(undef, undef, undef, ${pauseSeconds}); }`;

  it('is read whole and once while it is rotated and vacuumed, and journald restarted', async () => {
    const unit = unitName();
    const follower = follow(unit);
    const writing = write(unit, printLines(1, 2000, 0.001));
    for (let turn = 0; turn < 12; turn += 1) {
      await node.output(['journalctl', '--quiet', '--rotate', '--vacuum-files=3']);
      if (turn % 5 === 4) await node.output(['systemctl', 'restart', 'systemd-journald']);
    }
    await writing;
    await follower.untilSeen('line 2000');
    await follower.stop();
    expect(follower.texts()).toEqual(lines(1, 2000));
    expect(follower.incidents.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });

  it('is read on when journalctl is killed, and when it stands still', async () => {
    const unit = unitName();
    const follower = follow(unit);
    await write(unit, printLines(1, 5));
    await follower.untilSeen('line 5');
    for (const [signal, from] of [
      ['KILL', 6],
      ['STOP', 11],
    ] as const) {
      const pids = await node.output(['pidof', 'journalctl']);
      await node.output(['kill', `-${signal}`, ...pids.trim().split(' ')]);
      await write(unit, printLines(from, from + 4));
      await follower.untilSeen(`line ${from + 4}`);
    }
    await follower.stop();
    expect(follower.texts()).toEqual(lines(1, 15));
    const kinds = follower.mishaps().map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['restart', 'waiting']));
    const rest = await node.exec(['pidof', 'journalctl']);
    await node.exec(['kill', '-KILL', ...rest.stdout.trim().split(' ')]);
  });

  it('tells of what is gone, and goes on with the nearest', async () => {
    const unit = unitName();
    await write(unit, printLines(1, 3));
    const first = follow(unit);
    await first.untilSeen('line 3');
    await first.stop();
    const [, second] = first.lines();
    if (second === undefined) throw new TypeError('no second line');
    await write(unit, printLines(4, 8));
    await node.output(['journalctl', '--quiet', '--rotate', '--vacuum-files=1']);
    await write(unit, printLines(9, 10));
    const next = follow(unit, positionOf(second));
    await next.untilSeen('line 10');
    await next.stop();
    expect(next.texts()).toEqual(lines(9, 10));
    const gaps = next.mishaps();
    expect(gaps).toMatchObject([{ kind: 'gap', from: positionOf(second) }]);
    const [gap] = gaps as Extract<FollowIncident, { kind: 'gap' }>[];
    expect(gap?.entries).toBeGreaterThanOrEqual(6);
  });

  it('is read on after journald moves it to memory and back', async () => {
    const unit = unitName();
    const conf = '/run/systemd/journald.conf.d/storage.conf';
    const before = follow(unit);
    await write(unit, printLines(1, 2));
    await before.untilSeen('line 2');
    await node.writeFile(conf, '[Journal]\nStorage=volatile\n');
    await node.output(['systemctl', 'restart', 'systemd-journald']);
    await write(unit, printLines(3, 4));
    await before.untilSeen('line 4');
    await before.stop();
    expect(before.texts()).toEqual(lines(1, 4));
    expect(await node.output(['sh', '-c', 'ls /run/log/journal/*/'])).toContain('.journal');

    // An agent that was down meanwhile, with a place that was in /run/log/journal.
    const last = before.lines().at(-1);
    if (last === undefined) throw new TypeError('no line');
    await node.output(['rm', conf]);
    await node.output(['systemctl', 'restart', 'systemd-journald']);
    await node.output(['journalctl', '--quiet', '--flush']);
    expect((await node.exec(['sh', '-c', 'ls /run/log/journal/*/*'])).code).not.toBe(0);
    await write(unit, printLines(5, 6));
    const after = follow(unit, positionOf(last));
    await after.untilSeen('line 6');
    await after.stop();
    expect(after.texts()).toEqual(lines(5, 6));
    expect([...before.incidents, ...after.incidents].filter(({ kind }) => kind === 'gap')).toEqual(
      [],
    );
  });

  it('shows a line that journald cut as one, and none of a line with NUL in it', async () => {
    const unit = unitName();
    const forged = 'time="2026-01-01T00:00:00Z" level=info msg="forged"';
    // What an attacker chose stands where the second part begins.
    const size = 48 * 1024;
    await write(
      unit,
      `print "x" x ${size}, '${forged}', "y" x ${size}, "\\n"; print "a\\0", '${forged}', "\\n"; print "\\xff\\xfe\\n"; print "end\\n";`,
    );
    const follower = follow(unit);
    await follower.untilSeen('end');
    await follower.stop();
    const [long, broken, binary] = follower.lines();
    expect(long).toMatchObject({
      message: 'x'.repeat(size) + forged + 'y'.repeat(size),
      truncated: false,
    });
    expect(broken).toMatchObject({ truncated: true });
    expect(binary).toMatchObject({ message: '\ufffd\ufffd', truncated: false });
    expect(follower.lines()).toHaveLength(4);
    expect(follower.texts()).not.toContain(forged);
  });

  it('yields nothing that another writer says in our words', async () => {
    const unit = unitName();
    const fields = [
      `_SYSTEMD_UNIT=${unit}`,
      `UNIT=${unit}`,
      'SYSLOG_IDENTIFIER=containerd',
      '_TRANSPORT=driver',
      `MESSAGE=Suppressed 5 messages from ${unit}`,
    ];
    const follower = follow(unit);
    await node.output(['logger', '--journald'], { stdin: `${fields.join('\n')}\n` });
    await node.output(['logger', '--id=1', `--tag=${unit}`, 'forged']);
    await write(unit, printLines(1, 1));
    await follower.untilSeen('line 1');
    await follower.stop();
    expect(follower.texts()).toEqual(lines(1, 1));
    expect(follower.mishaps()).toEqual([]);
  });

  it('tells how much journald refused', async () => {
    const unit = unitName();
    const follower = follow(unit);
    const limits = ['-p', 'LogRateLimitIntervalSec=1s', '-p', 'LogRateLimitBurst=50'];
    await write(unit, `${printLines(1, 400)} sleep 2; print "end\\n";`, limits);
    await follower.untilSeen('end');
    await follower.stop();
    const refused = follower
      .mishaps()
      .reduce((sum, mishap) => sum + (mishap.kind === 'suppressed' ? mishap.entries : 0), 0);
    expect(refused).toBeGreaterThan(0);
    expect(follower.texts()).toHaveLength(401 - refused);
  });

  it('is read by our own journalctl where the host’s shows nothing', async () => {
    const unit = unitName();
    // From out here the node's journalctl has no /proc of its own and opens no file, but does not end.
    const readers = journalReaders({ hostRoot: node.root, journalctl: '/usr/bin/journalctl' });
    const follower = follow(unit, undefined, readers);
    await write(unit, printLines(1, 3));
    await follower.untilSeen('line 3');
    await write(unit, printLines(4, 6));
    await follower.untilSeen('line 6');
    await follower.stop();
    expect(follower.texts()).toEqual(lines(1, 6));
    const kinds = follower.incidents.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['complaint', 'waiting', 'fallback']));
    const own = await createSystemd(node.root).readVersion(new AbortController().signal);
    const older = follower.incidents.find(({ kind }) => kind === 'older_reader');
    // This machine's may be as new as the node's.
    if (older !== undefined) expect(older).toMatchObject({ hostVersion: own });
  });
});

// Following a log file through all that rotation does to it, on a real file system.
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogFileSource } from '../../../agent/node/journald/log-file.ts';
import {
  lineTimeUs,
  LineSplitter,
  MAX_LOG_LINE_BYTES,
} from '../../../agent/node/journald/log-file-lines.ts';
import { encodePosition, parsePosition } from '../../../agent/node/journald/log-file-position.ts';
import { isRotated } from '../../../agent/node/journald/log-file-set.ts';
import { realtimeUs } from '../../support/journal.ts';
import { describeSource, messageOf, messages, positionOf, start } from './source-conformance.ts';

let root = '';
let path = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'log-file-'));
  path = join(root, 'agent/containerd/containerd.log');
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function source(options: Partial<Parameters<typeof createLogFileSource>[0]> = {}) {
  return createLogFileSource({
    path,
    root,
    uid: process.getuid?.() ?? 0,
    random: () => 0.9,
    ...options,
  });
}

function write(from: number, to: number, file = path): void {
  appendFileSync(file, lines(from, to), { mode: 0o644 });
}

function lines(from: number, to: number): string {
  return messages(from, to)
    .map((message) => `${message}\n`)
    .join('');
}

/** What of logrotate and of the rotation in k3s and RKE2 a reader can see. */
const ROTATIONS: Readonly<Record<string, () => void>> = {
  'renamed, as k3s does': () => {
    renameSync(path, path.replace('.log', '-2026-01-02T03-04-05.678.log'));
    writeFileSync(path, '', { mode: 0o600 });
  },
  'renamed by logrotate': () => {
    renameSync(path, `${path}.1`);
  },
  'renamed and compressed': () => {
    const compressed = gzipSync(readFileSync(path));
    renameSync(path, `${path}.1`);
    writeFileSync(`${path}.1.gz`, compressed, { mode: 0o640 });
    unlinkSync(`${path}.1`);
  },
  'copied and truncated': () => {
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  },
  'copied, compressed and truncated': () => {
    writeFileSync(`${path}-20260102.gz`, gzipSync(readFileSync(path)));
    truncateSync(path);
  },
};

describeSource('a log file', () => {
  let rotations = 0;
  return Promise.resolve({
    create: () => source(),
    write: (from, to) => {
      write(from, to);
      return Promise.resolve();
    },
    writeRaw: (_, message) => {
      appendFileSync(path, Buffer.concat([message, Buffer.from('\n')]));
      return Promise.resolve();
    },
    lose: () => {
      rotations += 1;
      renameSync(path, `${path}.${rotations}`);
      rmSync(`${path}.${rotations}`);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});

describe('rotation', () => {
  it.each(Object.entries(ROTATIONS))('under the reader: %s', async (_, rotate) => {
    write(1, 3);
    const follower = start(source());
    await follower.until(3);
    rotate();
    write(4, 5);
    expect(await follower.until(5)).toEqual(messages(1, 5));
    await follower.stop();
    expect(follower.incidents).toEqual([]);
  });

  it.each(Object.entries(ROTATIONS))(
    'between what was read and what was not, while nobody followed: %s',
    async (_, rotate) => {
      write(1, 3);
      const first = start(source());
      await first.until(3);
      await first.stop();
      write(4, 6);
      rotate();
      write(7, 8);
      for (const [index, entry] of first.entries.entries()) {
        const next = start(source(), { after: positionOf(entry) });
        expect(await next.until(7 - index)).toEqual(messages(index + 2, 8));
        await next.stop();
        expect(next.incidents).toEqual([]);
      }
    },
  );

  it('many times while nobody followed: the oldest first, whatever their names', async () => {
    write(1, 2);
    const first = start(source());
    await first.until(2);
    await first.stop();
    write(3, 3);
    renameSync(path, path.replace('.log', '-2026-01-09.log'));
    write(4, 5);
    writeFileSync(path.replace('.log', '-2026-01-01.log.gz'), gzipSync(readFileSync(path)));
    rmSync(path);
    write(6, 7);
    renameSync(path, path.replace('.log', '-2026-01-05.log'));
    write(8, 8);
    const next = start(source(), { after: positionOf(first.entries[1] ?? fail()) });
    expect(await next.until(6)).toEqual(messages(3, 8));
    await next.stop();
    const all = start(source());
    expect(await all.until(8)).toEqual(messages(1, 8));
    await all.stop();
  });

  it('of a file that its writer still writes to', async () => {
    write(1, 1);
    const follower = start(source());
    await follower.until(1);
    renameSync(path, `${path}.1`);
    writeFileSync(path, '');
    write(2, 3, `${path}.1`);
    await follower.until(3);
    write(4, 4);
    expect(await follower.until(4)).toEqual(messages(1, 4));
    await follower.stop();
  });

  it('of one file to the inode of another is not taken for the same file', async () => {
    write(1, 2);
    const first = start(source());
    await first.until(2);
    await first.stop();
    // Written over in place: device and inode are those of before.
    renameSync(path, `${path}.1`);
    copyFileSync(`${path}.1`, `${path}.2`);
    writeFileSync(`${path}.1`, lines(3, 9));
    renameSync(`${path}.1`, path);
    const next = start(source(), { after: positionOf(first.entries[0] ?? fail()) });
    expect(await next.until(8)).toEqual(messages(2, 9));
    await next.stop();
  });

  it('that leaves a hole of zeros, as truncation does where the writer does not append', async () => {
    write(1, 2);
    const follower = start(source());
    await follower.until(2);
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
    truncateSync(path, 3_000_000);
    write(3, 3);
    expect(await follower.until(3)).toEqual(messages(1, 3));
    await follower.stop();
  });

  it('under load loses and doubles nothing', { timeout: 60_000 }, async () => {
    const follower = start(source());
    let n = 0;
    for (let round = 0; round < 40; round += 1) {
      for (let batch = 0; batch < 10; batch += 1) {
        write(n + 1, n + 50);
        n += 50;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (round % 2 === 0) {
        renameSync(path, path.replace('.log', `-2026-01-02T00-00-${round}.log`));
      } else {
        writeFileSync(`${path}.${round}.gz`, gzipSync(readFileSync(path)));
        rmSync(path);
      }
    }
    write(n + 1, n + 1);
    await follower.until(n + 1);
    expect(await follower.stop()).toEqual(messages(1, n + 1));
  });

  it('leaves out a compressed file that is damaged, tells, and reads the rest', async () => {
    write(1, 5000);
    const packed = gzipSync(readFileSync(path));
    writeFileSync(`${path}.1.gz`, packed.subarray(0, packed.length - 200));
    writeFileSync(`${path}.2.gz`, 'no gzip');
    writeFileSync(path, lines(5001, 5002));
    const follower = start(source());
    await follower.untilSeen(messageOf(5002));
    await follower.stop();
    const found = follower.entries.map(({ message }) => message);
    expect(found.slice(-2)).toEqual(messages(5001, 5002));
    expect(found[0]).toBe(messageOf(1));
    const codes = follower.incidents.map((incident) =>
      'error' in incident ? incident.error.code : '',
    );
    expect(codes).toEqual(['log_file_unavailable', 'log_file_unavailable']);
  });
});

describe('trust in a log file', () => {
  const refused: Readonly<Record<string, () => void>> = {
    'writable by others': () => {
      chmodSync(path, 0o646);
    },
    'in a folder writable by others': () => {
      chmodSync(dirname(path), 0o757);
    },
    'below a folder writable by others': () => {
      chmodSync(join(root, 'agent'), 0o777);
    },
    'that is a link': () => {
      renameSync(path, join(root, 'elsewhere'));
      symlinkSync(join(root, 'elsewhere'), path);
    },
    'in a folder that is a link': () => {
      renameSync(join(root, 'agent'), join(root, 'elsewhere'));
      symlinkSync(join(root, 'elsewhere'), join(root, 'agent'));
    },
    'that is a folder': () => {
      rmSync(path);
      mkdirSync(path);
    },
  };

  it.each(Object.entries(refused))('is refused to one %s', async (_, spoil) => {
    write(1, 1);
    const good = start(source());
    await good.until(1);
    await good.stop();
    spoil();
    const bad = start(source());
    await bad.untilIncident();
    await bad.stop();
    expect(bad.entries).toEqual([]);
    expect(bad.incidents[0]).toMatchObject({ kind: 'restart' });
    expect(bad.incidents[0]).toHaveProperty(
      'error.code',
      expect.stringMatching(/^log_file_un(?:trusted|available)$/),
    );
  });

  it('is refused to one of another user', async () => {
    write(1, 1);
    const bad = start(source({ uid: (process.getuid?.() ?? 0) + 1 }));
    await bad.untilIncident();
    await bad.stop();
    expect(bad.entries).toEqual([]);
    expect(bad.incidents[0]).toHaveProperty('error.code', 'log_file_untrusted');
  });

  it('ends while it is followed, and returns', async () => {
    write(1, 1);
    const follower = start(source());
    await follower.until(1);
    chmodSync(path, 0o666);
    write(2, 2);
    await follower.untilIncident();
    chmodSync(path, 0o644);
    write(3, 3);
    await follower.untilSeen(messageOf(3));
    await follower.stop();
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 3));
  });

  it('leaves out an elder that is not to be trusted, and tells', async () => {
    writeFileSync(`${path}.1`, lines(1, 2));
    chmodSync(`${path}.1`, 0o666);
    write(3, 3);
    const follower = start(source());
    expect(await follower.until(1)).toEqual(messages(3, 3));
    await follower.stop();
    expect(follower.incidents).toMatchObject([
      { kind: 'entry_invalid', error: { code: 'log_file_untrusted' } },
    ]);
  });

  it('waits for a file that is not there yet', async () => {
    const follower = start(source());
    await follower.untilIncident();
    expect(follower.incidents[0]).toMatchObject({
      kind: 'restart',
      error: { code: 'log_file_unavailable' },
    });
    write(1, 1);
    expect(await follower.until(1)).toEqual(messages(1, 1));
    await follower.stop();
  });

  it('holds through a hard link, which only the owner of the folder can make', async () => {
    write(1, 1);
    linkSync(path, join(root, 'linked'));
    const follower = start(source());
    expect(await follower.until(1)).toEqual(messages(1, 1));
    await follower.stop();
  });
});

describe('isRotated', () => {
  it.each([
    'containerd.log.1',
    'containerd.log.12.gz',
    'containerd.log-20260102',
    'containerd.log-20260102.gz',
    'containerd.log-20260102-1234567890',
    'containerd-2026-01-02T03-04-05.678.log',
    'containerd-2026-01-02T03-04-05.678.log.gz',
  ])('knows %s', (name) => {
    expect(isRotated(name, 'containerd.log')).toBe(true);
  });

  it.each([
    'containerd.log',
    'containerd.log.bak',
    'containerd.log.gz',
    'containerd.logs',
    'containerd-shim.log',
    'containerd.log.1.swp~',
    'other.log.1',
    'xcontainerd.log.1',
  ])('does not take %s for one', (name) => {
    expect(isRotated(name, 'containerd.log')).toBe(false);
  });

  it('knows them of a file without extension', () => {
    expect(isRotated('containerd.1', 'containerd')).toBe(true);
    expect(isRotated('containerd-20260102', 'containerd')).toBe(true);
    expect(isRotated('containerd-shim', 'containerd')).toBe(false);
  });
});

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', ' '))),
        fc.array(fc.nat({ max: 12 }), { minLength: 1 }),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const whole = new LineSplitter(7).feed(bytes);
          const splitter = new LineSplitter(7);
          const pieces = [];
          for (let at = 0, n = 0; at < bytes.length; n += 1) {
            const size = (cuts[n % cuts.length] ?? 0) + 1;
            pieces.push(...splitter.feed(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(pieces).toEqual(whole);
          expect(splitter.end()).toEqual([]);
        },
      ),
    );
  });

  it('keeps the beginning of a line that is too long, and its end', () => {
    const splitter = new LineSplitter(0);
    for (let n = 0; n < 40; n += 1) expect(splitter.feed(Buffer.alloc(10_000, 'x'))).toEqual([]);
    expect(splitter.feed(Buffer.from('\nnext\n'))).toEqual([
      { text: 'x'.repeat(MAX_LOG_LINE_BYTES), truncated: true, end: 400_001 },
      { text: 'next', truncated: false, end: 400_006 },
    ]);
  });

  it('tells of a line that its file ends in', () => {
    const splitter = new LineSplitter(0);
    expect(splitter.feed(Buffer.from('whole\nhal'))).toHaveLength(1);
    expect(splitter.end()).toEqual([{ text: 'hal', truncated: true, end: 9 }]);
  });
});

describe('lineTimeUs', () => {
  it.each([
    ['time="2026-01-02T03:04:05.678901234Z" level=info msg=a', 1767323045678901],
    ['time="2026-01-02T03:04:05Z" level=info', 1767323045000000],
    ['time="2026-01-02T04:04:05.5+01:00" level=info', 1767323045500000],
    ['{"level":"info","msg":"a","time":"2026-01-02T03:04:05.678901234Z"}', 1767323045678901],
    ['time="yesterday" level=info', undefined],
    ['time="2026-13-02T03:04:05Z" level=info', undefined],
    ['time="1960-01-02T03:04:05Z" level=info', undefined],
    [' time="2026-01-02T03:04:05Z" level=info', undefined],
    ['{"time":1}', undefined],
    ['{"time"', undefined],
    ['{}', undefined],
    ['', undefined],
  ])('of %s', (line, us) => {
    expect(lineTimeUs(line)).toBe(us);
  });

  it('is a time or nothing, whatever the line', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const us = lineTimeUs(`time="${text}" `) ?? lineTimeUs(`{"time":"${text}"`) ?? 0;
        expect(Number.isSafeInteger(us)).toBe(true);
      }),
    );
  });
});

describe('a position', () => {
  it('is read as it was written, and nothing else is', () => {
    const position = {
      identity: { device: 66306, inode: 12 },
      offset: 77,
      fingerprint: '0a'.repeat(16),
    };
    const text = encodePosition(position);
    expect(parsePosition(text)).toEqual(position);
    for (const bad of ['', `${text};`, ` ${text}`, text.replace('o=', 'o=-'), text.slice(0, -1)]) {
      expect(parsePosition(bad)).toBeUndefined();
    }
  });

  it('of another source counts as lost: only what is newer is read', async () => {
    write(1, 4);
    const after = { cursor: 's=1;i=2', realtimeUs: realtimeUs(2) };
    const follower = start(source(), { after });
    expect(await follower.until(2)).toEqual(messages(3, 4));
    await follower.stop();
    expect(follower.incidents).toMatchObject([{ kind: 'gap', entries: null }]);
  });
});

function fail(): never {
  throw new TypeError('no such entry');
}

// Receiving a journal: from a stand-in that is cut off at will, from who should not be let in, and
// from the real systemd-journal-upload.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogSource } from '../../../agent/node/journald/source.ts';
import { createUploadSource, type UploadOptions } from '../../../agent/node/journald/upload.ts';
import { UploadPlace } from '../../../agent/node/journald/upload-place.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';
import { JournalUploader, open, post } from '../../support/journal-uploader.ts';
import {
  describeSource,
  type Follower,
  messageOf,
  messages,
  positionOf,
  start,
} from './source-conformance.ts';

const TOKEN = 'c0ffee00-1111-4222-8333-444455556666';
const PATH = `/${TOKEN}/upload`;

function entry(n: number, message: string | Buffer = messageOf(n), unit = 'containerd.service') {
  return exportEntry({ ...containerdFields(n, ''), _SYSTEMD_UNIT: unit, MESSAGE: message });
}

function entries(from: number, to: number): Buffer[] {
  return Array.from({ length: to - from + 1 }, (_, index) => entry(from + index));
}

function source(options: Partial<UploadOptions> = {}): LogSource {
  return createUploadSource({
    ...{ host: '127.0.0.1', port: 0, token: TOKEN, unit: 'containerd.service' },
    ...options,
  });
}

describeSource('an upload', () => {
  const uploader = new JournalUploader(PATH);
  return Promise.resolve({
    create: () => {
      uploader.forget();
      return source({
        onListening: (port) => {
          uploader.connect(port);
        },
      });
    },
    write: (from, to) => {
      for (const one of entries(from, to)) uploader.add(one);
      return Promise.resolve();
    },
    writeRaw: (n, message) => {
      uploader.add(entry(n, message));
      return Promise.resolve();
    },
    lose: () => {
      uploader.clear();
      return Promise.resolve();
    },
    close: () => uploader.close(),
  });
});

describe('an upload', () => {
  let follower: Follower;
  let port = 0;
  async function follow(
    options: Partial<UploadOptions> = {},
    request: Parameters<typeof start>[1] = {},
  ): Promise<void> {
    const listening = Promise.withResolvers<number>();
    follower = start(source({ ...options, onListening: listening.resolve }), request);
    port = await Promise.race([listening.promise, follower.ended.then(() => 0)]);
  }
  afterEach(async () => {
    await follower.stop();
  });

  it('is answered as systemd-journal-remote does', async () => {
    await follow();
    expect(await post({ port, path: PATH, body: entries(1, 2) })).toEqual({
      status: 202,
      text: 'OK.\n',
    });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 2));
  });

  it('is not answered before its consumer has asked for more', async () => {
    const listening = Promise.withResolvers<number>();
    const stop = new AbortController();
    const batches = source({ onListening: listening.resolve }).follow({
      ...{ since: new Date(0), signal: stop.signal, onIncident: () => undefined },
    });
    const first = batches.next();
    let isAnswered = false;
    const answer = listening.promise
      .then((at) => post({ port: at, path: PATH, body: entries(1, 3) }))
      .finally(() => {
        isAnswered = true;
      });
    const found = [await first];
    while (found.flatMap(({ value }) => value ?? []).length < 3) {
      expect(isAnswered).toBe(false);
      found.push(await batches.next());
    }
    // Not recorded yet: the consumer has not come back.
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    const next = batches.next();
    expect(await answer).toMatchObject({ status: 202 });
    stop.abort();
    await next;
    await follow();
  });

  it('is not answered when the consumer fails, and taken when sent again', async () => {
    const listening = Promise.withResolvers<number>();
    const batches = source({ onListening: listening.resolve }).follow({
      ...{ since: new Date(0), signal: new AbortController().signal, onIncident: () => undefined },
    });
    const first = batches.next();
    const answer = listening.promise.then((at) =>
      post({ port: at, path: PATH, body: entries(1, 1) }),
    );
    const failure = expect(answer).rejects.toThrow();
    await first;
    await batches.return();
    await failure;
    await follow();
    expect(await post({ port, path: PATH, body: entries(1, 1) })).toMatchObject({ status: 202 });
    expect(follower.entries).toHaveLength(1);
  });

  it('gives each entry once, wherever it is cut off and sent again', async () => {
    const whole = Buffer.concat(entries(1, 3));
    await follow();
    for (let cut = 0; cut < whole.length; cut += 61) {
      const sent = open({ port, path: PATH, body: [] });
      const closed = new Promise((resolve) => sent.on('close', resolve));
      sent.on('error', () => undefined);
      await new Promise((resolve) => sent.write(whole.subarray(0, cut + 1), resolve));
      sent.destroy();
      await closed;
    }
    expect(await post({ port, path: PATH, body: [whole] })).toMatchObject({ status: 202 });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 3));
    expect(follower.incidents).toEqual([]);
  });

  it('that ends within an entry is refused as systemd-journal-remote does', async () => {
    await follow();
    const whole = Buffer.concat(entries(1, 2));
    const body = [whole.subarray(0, whole.length - 5)];
    expect(await post({ port, path: PATH, body })).toMatchObject({ status: 417 });
    expect(follower.entries).toHaveLength(1);
    expect(await post({ port, path: PATH, body: [whole] })).toMatchObject({ status: 202 });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 2));
  });

  it('keeps what is binary', async () => {
    await follow();
    const message = 'two\n\n__CURSOR=forged\n__REALTIME_TIMESTAMP=1\n\nlines \u0000 ü';
    await post({ port, path: PATH, body: [entry(1, message)] });
    expect(follower.entries.map((one) => one.message)).toEqual([message]);
  });

  it('tells of entries that are not in the format, and takes the others', async () => {
    await follow();
    const body = [
      entry(1),
      Buffer.from('no field\n\n'),
      Buffer.from('MESSAGE=no place\n\n'),
      entry(2),
    ];
    expect(await post({ port, path: PATH, body })).toMatchObject({ status: 202 });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 2));
    expect(follower.incidents.map(({ kind }) => kind)).toEqual(['entry_invalid', 'entry_invalid']);
  });

  it('keeps the place of entries of others, so that they do not look like a gap', async () => {
    const positions: string[] = [];
    const listening = Promise.withResolvers<number>();
    const stop = new AbortController();
    const run = (async () => {
      const batches = source({ onListening: listening.resolve }).follow({
        ...{ since: new Date(0), signal: stop.signal, onIncident: () => undefined },
      });
      for await (const batch of batches) positions.push(...batch.map(({ cursor }) => cursor));
    })();
    const at = await listening.promise;
    const others = Array.from({ length: 50 }, (_, n) => entry(n + 2, 'x', 'ssh.service'));
    await post({ port: at, path: PATH, body: [entry(1), ...others] });
    stop.abort();
    await run;
    expect(positions).toHaveLength(2);
    const after = { cursor: positions[1] ?? '', realtimeUs: realtimeUs(51) };
    await follow({}, { after });
    await post({ port, path: PATH, body: entries(52, 53) });
    expect(follower.entries).toHaveLength(2);
    expect(follower.incidents).toEqual([]);
    await follower.stop();
    await follow({}, { after });
    await post({ port, path: PATH, body: entries(60, 60) });
    expect(follower.incidents).toMatchObject([{ kind: 'gap', entries: 8 }]);
  });

  it('goes on where a journal that was read in place was left', async () => {
    await follow({}, { after: { cursor: cursorOf(2), realtimeUs: realtimeUs(2) } });
    await post({ port, path: PATH, body: entries(1, 4) });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(3, 4));
  });

  it('takes two bodies at once one after the other', async () => {
    await follow();
    const slow = open({ port, path: PATH, body: [] });
    const answered = once(slow, 'response');
    slow.write(entry(1));
    await follower.until(1);
    const second = post({ port, path: PATH, body: entries(1, 3) });
    slow.end(entry(2));
    await answered;
    expect(await second).toMatchObject({ status: 202 });
    expect(follower.entries.map(({ message }) => message)).toEqual(messages(1, 3));
  });

  it('is let in by the token alone', async () => {
    await follow();
    const body = entries(1, 1);
    for (const path of [
      '/upload',
      '/',
      `/${TOKEN}`,
      `/${TOKEN}/`,
      `/${TOKEN}/upload/more`,
      `/${TOKEN.slice(0, -1)}/upload`,
      `/${TOKEN}0/upload`,
      `/${TOKEN.toUpperCase()}/upload`,
      `/${'0'.repeat(TOKEN.length)}/upload`,
      `//upload`,
      `/x/../${TOKEN}/upload`,
    ]) {
      expect(await refused(path, {}, body)).toBe(404);
    }
    expect(follower.entries).toEqual([]);
    expect(await post({ port, path: PATH, body })).toMatchObject({ status: 202 });
  });

  it('is refused where it is something else', async () => {
    await follow();
    expect(await refused(PATH, {}, [], 'GET')).toBe(406);
    expect(await refused(PATH, { 'content-type': 'text/plain' })).toBe(415);
    expect(await refused(PATH, { 'content-encoding': 'zstd' })).toBe(415);
    expect(follower.entries).toEqual([]);
  });

  it('is asked for by who waits to be asked', async () => {
    await follow();
    const sent = open({ port, path: PATH, headers: { expect: '100-continue' }, body: [] });
    const response = once(sent, 'response');
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end(entry(1));
    expect((await response)[0]).toMatchObject({ statusCode: 202 });
    const stranger = open({
      port,
      path: '/x/upload',
      headers: { expect: '100-continue' },
      body: [],
    });
    let isAsked = false;
    stranger.on('continue', () => {
      isAsked = true;
    });
    const answer = once(stranger, 'response');
    stranger.flushHeaders();
    expect((await answer)[0]).toMatchObject({ statusCode: 404 });
    expect(isAsked).toBe(false);
    stranger.destroy();
  });

  it('comes over TLS where there is a certificate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'upload-'));
    const made = spawnSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1'],
      ],
      { cwd: folder },
    );
    expect(made.status).toBe(0);
    const [certificate, key] = ['cert.pem', 'key.pem'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    ) as [string, string];
    await follow({ tls: { certificate, key } });
    const { request } = await import('node:https');
    const sent = request({
      ...{ host: '127.0.0.1', port, path: PATH, method: 'POST', ca: certificate, agent: false },
      headers: { 'content-type': 'application/vnd.fdo.journal' },
    });
    const response = once(sent, 'response');
    sent.end(entry(1));
    expect((await response)[0]).toMatchObject({ statusCode: 202 });
    expect(follower.entries).toHaveLength(1);
    rmSync(folder, { recursive: true, force: true });
  });

  it('has nowhere to go where its address is taken', async () => {
    await follow();
    await expectCodeAsync(start(source({ port })).ended, 'setting_invalid');
  });

  async function refused(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: readonly Buffer[] = entries(1, 1),
    method = 'POST',
  ): Promise<number> {
    const { status } = await post({ port, path, headers, body, method });
    return status;
  }
});

describe('UploadPlace', () => {
  const at = (id: string, n: number, boot = 'b', us = n) => ({
    cursor: `s=${id.repeat(32)};i=${n.toString(16)};b=${boot.repeat(32)};m=${us.toString(16)};t=${(1000 + us).toString(16)};x=${us.toString(16)}`,
    realtimeUs: 1000 + us,
  });

  it('knows what was handled of each numbering, also when it was kept and read again', () => {
    const place = new UploadPlace(undefined);
    place.moveTo(at('a', 5, 'b', 50));
    place.moveTo(at('c', 2, 'd', 20));
    const kept = place.moveTo(at('c', 3, 'd', 30));
    for (const one of [place, new UploadPlace(kept)]) {
      expect(one.isNew(at('a', 4, 'b', 40).cursor)).toBe(false);
      expect(one.isNew(at('a', 5, 'b', 50).cursor)).toBe(false);
      expect(one.isNew(at('a', 6, 'b', 60).cursor)).toBe(true);
      expect(one.isNew(at('c', 3, 'd', 30).cursor)).toBe(false);
      expect(one.isNew(at('c', 4, 'd', 40).cursor)).toBe(true);
      expect(one.missingBefore(at('c', 4, 'd', 40).cursor)).toBe(0);
      expect(one.missingBefore(at('a', 9, 'b', 90).cursor)).toBe(3);
      expect(one.missingBefore(at('f', 9, 'b', 90).cursor)).toBeNull();
      expect(one.last).toMatchObject({ realtimeUs: 1030 });
    }
  });

  it('knows what journald has numbered anew when it moved it from /run to /var', () => {
    const place = new UploadPlace(at('a', 7, 'b', 70));
    expect(place.isNew(at('f', 1, 'b', 60).cursor)).toBe(false);
    expect(place.isNew(at('f', 2, 'b', 70).cursor)).toBe(false);
    expect(place.isNew(at('f', 3, 'b', 71).cursor)).toBe(true);
    expect(place.isNew(at('f', 1, 'e', 5).cursor)).toBe(true);
  });

  it('stays short however many numberings there are', () => {
    const place = new UploadPlace(undefined);
    for (let n = 0; n < 1000; n += 1) {
      const id = n.toString(16).padStart(32, '0');
      const { cursor } = place.moveTo({ cursor: `s=${id};i=1;b=${id};m=1;t=1;x=1`, realtimeUs: 1 });
      expect(cursor.length).toBeLessThanOrEqual(1024);
    }
  });
});

const REMOTE = program('systemd-journal-remote');
const UPLOAD = program('systemd-journal-upload');

function program(name: string): string | undefined {
  return ['/usr/lib/systemd/', '/lib/systemd/']
    .map((folder) => folder + name)
    .find((path) => spawnSync(path, ['--version']).status === 0);
}

// hack/setup installs them as root. In CI, where that has run, a missing one is a failure.
describe.skipIf((REMOTE === undefined || UPLOAD === undefined) && process.env.CI !== 'true')(
  'the real systemd-journal-upload (needs the package systemd-journal-remote)',
  () => {
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'upload-'));
      mkdirSync(join(folder, 'journal'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    function store(...stored: readonly Buffer[]): void {
      const file = join(folder, 'journal/system.journal');
      const written = spawnSync(REMOTE ?? '', ['-o', file, '-'], { input: Buffer.concat(stored) });
      expect(written.status).toBe(0);
    }

    async function upload(port: number, token = TOKEN) {
      const child = spawn(UPLOAD ?? '', [
        `--url=http://127.0.0.1:${port}/${token}`,
        `--directory=${join(folder, 'journal')}`,
        `--save-state=${join(folder, 'state')}`,
        '--follow=no',
      ]);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, said };
    }

    async function listen(request: Parameters<typeof start>[1] = {}) {
      const listening = Promise.withResolvers<number>();
      const follower = start(source({ onListening: listening.resolve }), request);
      return { follower, port: await listening.promise };
    }

    it('brings a journal over, binary, long and of others, and then only what is new', async () => {
      const binary = 'binary\n\n\u0000 and more';
      const long = 'x'.repeat(60_000);
      store(entry(1), entry(2, binary), entry(3, 'other', 'ssh.service'), entry(4, long));
      const { follower, port } = await listen();
      expect(await upload(port)).toMatchObject({ code: 0 });
      expect(follower.entries.map(({ message }) => message)).toEqual([messageOf(1), binary, long]);
      expect(follower.entries[0]).toMatchObject({
        ...{ unit: 'containerd.service', exe: '/usr/bin/containerd', uid: 0 },
        realtimeUs: realtimeUs(1),
      });
      store(entry(5));
      expect(await upload(port)).toMatchObject({ code: 0 });
      expect(follower.entries).toHaveLength(4);

      // As after its state was lost, and with a new agent.
      writeFileSync(join(folder, 'state'), '');
      await follower.stop();
      const last = follower.entries.at(-1);
      if (last === undefined) throw new TypeError('no entry');
      const again = await listen({ after: positionOf(last) });
      store(entry(6));
      rmSync(join(folder, 'state'));
      expect(await upload(again.port)).toMatchObject({ code: 0 });
      expect(again.follower.entries.map(({ message }) => message)).toEqual(messages(6, 6));
      await again.follower.stop();
      expect([...follower.incidents, ...again.follower.incidents]).toEqual([]);
    });

    it('fails where it is not let in, and keeps its place', async () => {
      store(entry(1));
      const { follower, port } = await listen();
      const refused = await upload(port, 'wrong');
      expect(refused.code).not.toBe(0);
      expect(refused.said).toContain('404');
      expect(follower.entries).toEqual([]);
      expect(await upload(port)).toMatchObject({ code: 0 });
      expect(follower.entries).toHaveLength(1);
      await follower.stop();
    });
  },
);

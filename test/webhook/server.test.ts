// The webhook over TLS: what it takes, what it refuses cleanly, and how its certificate changes.
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect as tcpConnect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { createServingCertificate } from '../../agent/webhook/serving-key.ts';
import {
  type AskedReview,
  type ServingCertificate,
  startWebhookServer,
  type WebhookServer,
  type WebhookServerOptions,
} from '../../agent/webhook/server.ts';
import { expectCode, expectCodeAsync } from '../support/expect-code.ts';

const NAME = 'nodeseal-webhook.nodeseal.svc';
const certificateOf = () => createServingCertificate([NAME], new Date(), 3_600_000);
const FIRST = certificateOf();

interface Started {
  readonly server: WebhookServer;
  readonly asked: AskedReview[];
  readonly refused: (readonly [number, string])[];
  readonly errors: unknown[];
}

async function start(changes: Partial<WebhookServerOptions> = {}): Promise<Started> {
  const asked: AskedReview[] = [];
  const refused: (readonly [number, string])[] = [];
  const errors: unknown[] = [];
  const server = await startWebhookServer({
    ...{ host: '127.0.0.1', port: 0, certificate: FIRST, deadlineMs: 8000 },
    paths: new Set(['validate'] as const),
    review: (one) => {
      asked.push(one);
      return Promise.resolve(Buffer.from('{"good":true}'));
    },
    onRefused: (...what) => refused.push(what),
    onError: (error) => errors.push(error),
    ...changes,
  });
  onTestFinished(() => server.close());
  return { server, asked, refused, errors };
}

interface Answered {
  readonly status: number | undefined;
  readonly body: string;
  readonly connection: string | undefined;
}

interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly type?: string | undefined;
  readonly trusted?: ServingCertificate;
  readonly agent?: Agent;
  readonly headers?: Readonly<Record<string, string>>;
}

function ask({ server }: Started, body: string | Buffer, asking: Asking = {}): Promise<Answered> {
  const { path = '/validate?timeout=10s', method = 'POST', trusted = FIRST, agent } = asking;
  const { type = 'application/json', headers } = asking;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: server.port, path, method, servername: NAME },
        ...{ ca: trusted.certificate, agent: agent ?? false },
        headers: { 'content-type': type, ...headers },
      },
      (response) => {
        const { connection } = response.headers;
        text(response).then((found) => {
          resolve({ status: response.statusCode, body: found, connection });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function openTls({ server }: Started): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.port,
    servername: NAME,
    ca: FIRST.certificate,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

describe('the webhook', () => {
  it('answers a review over TLS that its own certificate vouches for', async () => {
    const started = await start();
    const { status, body, connection } = await ask(started, '{"a":1}');
    expect({ status, body, connection }).toMatchObject({ status: 200, body: '{"good":true}' });
    expect(started.asked[0]).toMatchObject({ path: 'validate', deadlineMs: 8000 });
    expect(Buffer.from(started.asked[0]?.bytes ?? []).toString()).toBe('{"a":1}');
  });

  it('takes no longer than the API server waits', async () => {
    const started = await start();
    for (const query of ['?timeout=2s', '?timeout=500ms', '?timeout=30s', '', '?timeout=forever']) {
      await ask(started, '{}', { path: `/validate${query}` });
    }
    expect(started.asked.map(({ deadlineMs }) => deadlineMs)).toEqual([
      1600, 400, 8000, 8000, 8000,
    ]);
  });

  it.each<[number, Asking, string | Buffer]>([
    [404, { path: '/' }, '{}'],
    [404, { path: '/validate/more' }, '{}'],
    [404, { path: '/mutate' }, '{}'],
    [405, { method: 'PUT' }, '{}'],
    [405, { method: 'GET' }, ''],
    [415, { type: 'text/plain' }, '{}'],
    [413, {}, Buffer.alloc(7 * 1024 * 1024 + 1, 32)],
  ])('refuses with %d what is %j', async (status, asking, body) => {
    const started = await start();
    expect((await ask(started, body, asking)).status).toBe(status);
    expect(started.asked).toEqual([]);
    expect(started.refused.map(([code]) => code)).toEqual([status]);
    expect((await ask(started, '{}')).status).toBe(200);
  });

  it('serves the other path where that is on', async () => {
    const started = await start({ paths: new Set(['validate', 'mutate'] as const) });
    expect((await ask(started, '{}', { path: '/mutate?timeout=10s' })).status).toBe(200);
    expect(started.asked[0]?.path).toBe('mutate');
  });

  it('answers 400 for what is no review and 500 for what goes wrong', async () => {
    const invalid = new AgentError('admission_review_invalid', 'expected something else');
    const bad = await start({ review: () => Promise.reject(invalid) });
    expect(await ask(bad, '{}')).toMatchObject({ status: 400, body: 'expected something else\n' });
    const broken = await start({ review: () => Promise.reject(new TypeError('secret')) });
    const { status, body } = await ask(broken, '{}');
    expect({ status, body }).toEqual({ status: 500, body: 'internal error; the log says more\n' });
    expect(broken.errors).toHaveLength(1);
  });

  it('refuses a body that is announced as too large before it comes', async () => {
    const started = await start();
    const socket = await openTls(started);
    socket.write(
      'POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n{',
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
  });

  it('refuses a body without announced length once it is too large', async () => {
    const started = await start();
    const socket = await openTls(started);
    const read = text(socket);
    socket.write(
      'POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const chunk = `${(1 << 20).toString(16)}\r\n${' '.repeat(1 << 20)}\r\n`;
    socket.on('error', () => undefined);
    for (let n = 0; n < 8 && socket.writable; n += 1) socket.write(chunk);
    expect(await read).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('ends a connection whose handshake, headers or body do not come', async () => {
    const started = await start();
    const silent = tcpConnect(started.server.port, '127.0.0.1');
    const [headless, bodiless] = await Promise.all([openTls(started), openTls(started)]);
    const head = 'POST /validate HTTP/1.1\r\nhost: a\r\n';
    headless.write(head);
    bodiless.write(`${head}content-type: application/json\r\ncontent-length: 10\r\n\r\n{`);
    const ended = await Promise.all([silent, headless, bodiless].map((socket) => text(socket)));
    expect(ended[0]).toBe('');
    for (const answer of ended.slice(1)) expect(answer).toMatch(/^HTTP\/1\.1 (?:408|400) /);
    expect(started.asked).toEqual([]);
  });

  it('takes no more connections than it has room for, and others once some have ended', async () => {
    const started = await start();
    const open = await Promise.all(
      Array.from({ length: 512 }, async () => {
        const socket = tcpConnect(started.server.port, '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
    await expect(openTls(started)).rejects.toThrow(/disconnected|ECONNRESET/);
    for (const socket of open) socket.destroy();
    await expect.poll(() => ask(started, '{}').catch(() => null)).toMatchObject({ status: 200 });
  });

  it('lets many large bodies at once come again later', async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    const started = await start({ review: () => gate.promise });
    const body = Buffer.alloc(6 * 1024 * 1024, 32);
    const asked = Array.from({ length: 8 }, () => ask(started, body));
    // Those that are too much are refused while the others are reviewed.
    const first = await Promise.race(asked);
    expect(first.status).toBe(503);
    gate.resolve(Buffer.from('{}'));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect((await ask(started, body)).status).toBe(200);
  });

  it('speaks to nobody without TLS, and no old TLS', async () => {
    const started = await start();
    const plain = tcpConnect(started.server.port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write('POST /validate HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await text(plain).catch(() => '')).not.toContain('200');
    const old = connect({
      port: started.server.port,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      rejectUnauthorized: false,
    });
    await expect(once(old, 'secureConnect')).rejects.toThrow();
    expect((await ask(started, '{}')).status).toBe(200);
  });

  it('changes its certificate without a failed request, and keeps the old one when the new one is bad', async () => {
    const started = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    onTestFinished(() => {
      agent.destroy();
    });
    const second = certificateOf();
    const bundle = { ...FIRST, certificate: FIRST.certificate + second.certificate };
    const statuses: (number | undefined)[] = [];
    const load = async (keepAlive: boolean): Promise<void> => {
      for (let n = 0; n < 50; n += 1) {
        const asking = { trusted: bundle, ...(keepAlive ? { agent } : {}) };
        statuses.push((await ask(started, '{}', asking)).status);
        if (n === 25) started.server.renew(second);
      }
    };
    await Promise.all([load(true), load(false), load(true), load(false)]);
    expect(statuses).toHaveLength(200);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await ask(started, '{}', { trusted: second })).status).toBe(200);
    await expect(ask(started, '{}', { trusted: FIRST })).rejects.toThrow(/self-signed/);

    for (const bad of [FIRST, { certificate: '' }, { key: 'x' }].map((change) => ({
      ...second,
      ...change,
      ...(change === FIRST ? { key: second.key } : {}),
    }))) {
      expectCode(() => {
        started.server.renew(bad);
      }, 'serving_certificate_invalid');
    }
    expect((await ask(started, '{}', { trusted: second })).status).toBe(200);
  });

  it('sends everybody elsewhere once it is to end, and ends what is under way', async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    const started = await start({ review: () => gate.promise });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => {
      agent.destroy();
    });
    const asked = ask(started, '{}', { agent });
    await new Promise((resolve) => setImmediate(resolve));
    started.server.drain();
    gate.resolve(Buffer.from('{}'));
    expect(await asked).toMatchObject({ status: 200, connection: 'close' });
    await started.server.close();
    await expect(ask(started, '{}')).rejects.toThrow('ECONNREFUSED');
  });

  it('ends idle connections once it is to end', async () => {
    const started = await start();
    const idle = await openTls(started);
    const head = 'POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
    idle.write(`${head}content-length: 2\r\n\r\n{}`);
    const [answer] = (await once(idle, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 [^]*connection: keep-alive/i);
    started.server.drain();
    await once(idle, 'end');
  });

  it('waits for a review that never ends only for a while, and tells it', async () => {
    const [begun, told] = [Promise.withResolvers<undefined>(), Promise.withResolvers<string>()];
    const review = ({ signal }: AskedReview) => {
      begun.resolve(undefined);
      signal.addEventListener('abort', () => {
        told.resolve('aborted');
      });
      return new Promise<never>(() => undefined);
    };
    const started = await start({ review });
    const asked = expect(ask(started, '{}')).rejects.toThrow(/hang up|ECONNRESET/);
    await begun.promise;
    await started.server.close();
    expect(await told.promise).toBe('aborted');
    await asked;
  });

  it('does not start without a certificate, or where it cannot listen', async () => {
    const certificate = { ...FIRST, key: certificateOf().key };
    await expectCodeAsync(start({ certificate }), 'serving_certificate_invalid');
    await expectCodeAsync(start({ host: '192.0.2.1' }), 'setting_invalid');
  });
});

import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CLOSE_GRACE_MS,
  type MetricsServerOptions,
  startMetricsServer,
} from '../../agent/metrics/server.ts';
import { STYLE } from '../../agent/metrics/page/style.ts';
import { expectCodeAsync } from '../support/expect-code.ts';

async function start(change: Partial<MetricsServerOptions> = {}) {
  const errors: unknown[] = [];
  const server = await startMetricsServer({
    host: '127.0.0.1',
    port: 0,
    metrics: { render: () => Promise.resolve('a 1\n'), contentType: 'text/plain; version=0.0.4' },
    ready: () => ({ ready: true, reasons: [] }),
    report: () => ({ state: 'enforcing' }),
    page: () => '<!doctype html>',
    onError: (error) => errors.push(error),
    ...change,
  });
  onTestFinished(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  return { server, errors, get: (path: string, init?: RequestInit) => fetch(url + path, init) };
}

describe('the server', () => {
  it('serves the metrics with their media type', async () => {
    const { get } = await start();
    const response = await get('/metrics?x=1');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await response.text()).toBe('a 1\n');
  });

  it('is alive whether or not it is ready, and says why it is not', async () => {
    const reasons = ['the ledger is closed', 'the journal is not followed'];
    const { get } = await start({ ready: () => ({ ready: false, reasons }) });
    expect((await get('/healthz')).status).toBe(200);
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    for (const reason of reasons) expect(await response.clone().text()).toContain(reason);
    expect((await (await start()).get('/readyz')).status).toBe(200);
  });

  it('shows the page, by the query, and lets it have its own style sheet and nothing else', async () => {
    const { get } = await start({ page: (query) => `<p>${query}</p>` });
    const response = await get('/?a=b?c');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src '${hashOf(STYLE.toString())}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(await response.text()).toBe('<p>a=b?c</p>');
  });

  it('tells the state to programs, when it is known', async () => {
    const { get } = await start({ report: () => Promise.resolve({ causes: ['<b>'] }) });
    const response = await get('/status.json');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ causes: ['<b>'] });
    const { errors, get: broken } = await start({
      report: () => Promise.reject(new Error('closed')),
    });
    expect((await broken('/status.json')).status).toBe(500);
    expect(errors).toHaveLength(1);
  });

  it('answers HEAD as GET without a body', async () => {
    const { get } = await start();
    const response = await get('/metrics', { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('4');
    expect(await response.text()).toBe('');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { get } = await start();
    const response = await get('/metrics', { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it.each(['/nothing', '/metrics/', '//metrics', '/healthz%00', '/..%2fmetrics'])(
    'does not know %s',
    async (path) => {
      const { get } = await start();
      expect((await get(path)).status).toBe(404);
    },
  );

  it('sends headers that keep a browser from misusing it, and repeats nothing of the request', async () => {
    const { get } = await start();
    const marker = 'marker-of-the-request';
    for (const path of ['/', '/metrics', `/${marker}`]) {
      const response = await get(path, {
        headers: { 'x-marker': marker, origin: `http://${marker}` },
      });
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(JSON.stringify([...response.headers]) + (await response.text())).not.toContain(marker);
    }
  });

  it('refuses a body and closes the connection', async () => {
    const { server } = await start();
    const answer = await speak(
      server.port,
      'GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nGET /',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('refuses headers beyond their bound', async () => {
    const { server } = await start();
    const answer = await speak(
      server.port,
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('refuses what is no HTTP', async () => {
    const { server } = await start();
    expect(await speak(server.port, '\x16\x03\x01 tls?\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    [
      '/metrics',
      { metrics: { render: () => Promise.reject(new Error('secret')), contentType: 'x' } },
    ],
    ['/readyz', { ready: () => fail() }],
    ['/', { page: () => fail() }],
  ])('keeps the fault behind a failed %s to itself, and reports it', async (path, change) => {
    const { get, errors } = await start(change);
    const response = await get(path);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('says where it could not listen', async () => {
    const { server } = await start();
    const error = await expectCodeAsync(start({ port: server.port }), 'setting_invalid');
    expect(error.message).toContain(`127.0.0.1 port ${server.port}`);
  });

  it('lets a request under way end when it closes, and takes no more', async () => {
    const rendering = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<undefined>();
    const { server, get } = await start({
      metrics: {
        render: () => {
          asked.resolve(undefined);
          return rendering.promise;
        },
        contentType: 'text/plain',
      },
    });
    const response = get('/metrics');
    await asked.promise;
    const closed = server.close();
    await expect(get('/healthz')).rejects.toThrow();
    rendering.resolve('late 1\n');
    expect(await (await response).text()).toBe('late 1\n');
    const started = performance.now();
    await closed;
    expect(performance.now() - started).toBeLessThan(CLOSE_GRACE_MS / 2);
  });

  it('does not wait for a connection that is idle', async () => {
    const { server } = await start();
    const request = httpRequest({ port: server.port, host: '127.0.0.1', path: '/healthz' });
    request.setHeader('connection', 'keep-alive');
    const response = await new Promise<{ resume(): void; once(e: 'end', f: () => void): void }>(
      (resolve) => request.once('response', resolve).end(),
    );
    await new Promise<void>((resolve) => {
      response.once('end', resolve);
      response.resume();
    });
    await server.close();
  });
});

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function fail(): never {
  throw new Error('secret');
}

/** Sends bytes and returns everything until the server closes. */
function speak(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

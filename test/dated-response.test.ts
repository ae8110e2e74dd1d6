// What every HTTP server of ours says of the time, also where Node answers in its place.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startCanaryRegistry } from '../agent/enforcement/canary-registry.ts';
import { startMetricsServer } from '../agent/metrics/server.ts';
import { startUploadServer } from '../agent/node/journald/upload-server.ts';
import { httpTime } from '../agent/utc.ts';
import { startWebhookServer } from '../agent/webhook/server.ts';
import { createServingCertificate } from '../agent/webhook/serving-key.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const HOUR_MS = 3_600_000;
const OURS = createServingCertificate(['localhost'], new Date(), HOUR_MS);

const uploads = (tls?: { certificate: string; key: string }) =>
  startUploadServer({ ...LOOPBACK, token: 'secret', ...(tls && { tls }) }, async (body) => {
    await text(body);
    return 'taken';
  });

interface Started {
  readonly port: number;
  close(): Promise<void>;
}

const SERVERS: Readonly<Record<string, () => Promise<Started>>> = {
  metrics: () =>
    startMetricsServer({
      ...LOOPBACK,
      metrics: { render: () => Promise.resolve(''), contentType: 'text/plain' },
      ready: () => ({ ready: true, reasons: [] }),
      report: () => ({}),
      page: () => '',
      onError: () => undefined,
    }),
  "canary's registry": async () => {
    const registry = await startCanaryRegistry(new Map());
    return { ...registry, port: Number(registry.host.split(':')[1]) };
  },
  upload: () => uploads(),
  'upload over TLS': () => uploads(OURS),
  'webhook over TLS': () =>
    startWebhookServer({
      ...{ ...LOOPBACK, certificate: OURS, deadlineMs: 8000, paths: new Set() },
      review: () => Promise.resolve(Buffer.from('{}')),
      onRefused: () => undefined,
      onError: () => undefined,
    }),
};

/** Heads of requests; the last two never come to a server's own code. */
const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  'an upload': [
    ...['POST /secret/upload HTTP/1.1', 'Host: localhost'],
    ...['Content-Type: application/vnd.fdo.journal', 'Content-Length: 0'],
  ],
  'what is not there': ['GET /none HTTP/1.1', 'Host: localhost'],
  'a request without Host': ['GET / HTTP/1.1'],
  'an expectation of its own': ['GET / HTTP/1.1', 'Host: localhost', 'Expect: more'],
};

describe.each(Object.entries(SERVERS))('the server: %s', (name, start) => {
  it.each(Object.entries(REQUESTS))('dates its answer to %s, and not by Node', async (_, head) => {
    const writtenByNode = vi.spyOn(Date.prototype, 'toUTCString').mockReturnValue('by Node');
    onTestFinished(() => {
      writtenByNode.mockRestore();
    });
    const server = await start();
    onTestFinished(() => server.close());
    const answer = await speak(server.port, name.endsWith('TLS'), head);
    const [, date = 'none'] = /^date: (.*)$/im.exec(answer) ?? [];
    expect(date, answer).toMatch(/ GMT$/);
    expect(httpTime(new Date(date))).toBe(date);
  });
});

/** Sends a head and returns everything until the server closes. */
function speak(port: number, isTls: boolean, head: readonly string[]): Promise<string> {
  const at = { host: '127.0.0.1', port };
  const socket = isTls
    ? connectTls({ ...at, servername: 'localhost', ca: OURS.certificate })
    : connect(at);
  socket.write(`${[...head, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  return text(socket);
}

// The Date header, written by hand.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpDate, setDate } from '../agent/http-date.ts';

describe('httpDate', () => {
  it('is what toUTCString is', () => {
    const min = new Date('0000-01-01T00:00:00Z');
    const max = new Date('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (time) => {
        expect(httpDate(time)).toBe(time.toUTCString());
      }),
    );
  });
});

describe('setDate', () => {
  it('gives a response its one date', async () => {
    const server = createServer((_, response) => {
      setDate(response);
      response.writeHead(200, { 'content-length': 0 }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { headers } = await fetch(`http://127.0.0.1:${port}/`);
    const date = headers.get('date') ?? '';
    expect(new Date(date).toUTCString()).toBe(date);
    server.closeAllConnections();
    server.close();
  });
});

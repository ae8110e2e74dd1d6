// A response of an HTTP server that is dated by us, whoever sends it.
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { httpTime } from './utc.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * For the option `ServerResponse` of a server. Left to Node, `Date` is written by `toUTCString`; see utc.ts. That holds
 * also for what Node answers by itself, such as a request without `Host`, so that anybody could have it do so.
 */
export class DatedResponse extends ServerResponse {
  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    // As it is sent: what it answers may have taken hours.
    this.setHeader('date', httpTime(new Date()));
    // Node's own types know each form, and not their union.
    return typeof message === 'string'
      ? super.writeHead(status, message, headers)
      : super.writeHead(status, message ?? headers);
  }
}

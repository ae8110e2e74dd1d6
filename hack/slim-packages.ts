// Packages without the parts of them that the agent never runs: what is bundled stays in its memory, if only as text.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

const ROOT = dirname(import.meta.dirname);

/**
 * The two parts of undici that agent/verifier/registry uses, as undici's own index.js puts them
 * together. Loading all of it takes a third of the time that the verifier needs by itself.
 */
const SLIM_UNDICI = inPlaceOf(
  /^undici$/,
  `
  Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api/index.js'));
  exports.Pool = require('undici/lib/dispatcher/pool.js');`,
);

/** The metrics that agent/metrics has. The rest of prom-client loads Node's cluster, for one. */
const SLIM_PROM_CLIENT = inPlaceOf(
  /^prom-client$/,
  `
  exports.Registry = require('./node_modules/prom-client/lib/registry.js');
  exports.Counter = require('./node_modules/prom-client/lib/counter.js');
  exports.Gauge = require('./node_modules/prom-client/lib/gauge.js');
  exports.Histogram = require('./node_modules/prom-client/lib/histogram.js');`,
);

/**
 * The client of grpc-js, with what its index.js sets up for a Unix socket. The rest is its server,
 * and names and balancing of load for who has more than one socket to speak to. Its modules import
 * each other in a circle, which is entered at the channel as there.
 */
const SLIM_GRPC = inPlaceOf(
  /^@grpc\/grpc-js$/,
  `
  require('./node_modules/@grpc/grpc-js/build/src/channel.js');
  exports.Client = require('./node_modules/@grpc/grpc-js/build/src/client.js').Client;
  exports.Metadata = require('./node_modules/@grpc/grpc-js/build/src/metadata.js').Metadata;
  exports.credentials = require('./node_modules/@grpc/grpc-js/build/src/channel-credentials.js').ChannelCredentials;
  exports.status = require('./node_modules/@grpc/grpc-js/build/src/constants.js').Status;
  require('./node_modules/@grpc/grpc-js/build/src/resolver-uds.js').setup();
  require('./node_modules/@grpc/grpc-js/build/src/load-balancer-pick-first.js').setup();`,
);

/**
 * Milliseconds of UTC where grpc-js adds milliseconds to the local time, which comes to the same: for
 * the local time Node loads a megabyte of time zones.
 */
const UTC_GRPC: Plugin = {
  name: 'utc grpc',
  setup: (bundle) => {
    bundle.onLoad({ filter: /grpc-js\/build\/src\/backoff-timeout\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/\b([gs]et)(Milliseconds)\b/g, '$1UTC$2'),
    }));
  },
};

/** What grpc-js asks for when it serves its own statistics, and pino when it logs by a thread. */
const LEFT_OUT = inPlaceOf(/^(?:@grpc\/proto-loader|thread-stream)$/, '');

/** For the agent's bundle. */
export const SLIM_PACKAGES: readonly Plugin[] = [
  SLIM_UNDICI,
  SLIM_PROM_CLIENT,
  SLIM_GRPC,
  UTC_GRPC,
  LEFT_OUT,
];

function inPlaceOf(filter: RegExp, contents: string): Plugin {
  const namespace = `slim ${filter.source}`;
  return {
    name: namespace,
    setup: (bundle) => {
      bundle.onResolve({ filter }, ({ path }) => ({ path, namespace }));
      bundle.onLoad({ filter: /./, namespace }, () => ({ resolveDir: ROOT, contents }));
    },
  };
}

// `nodeseal uninstall --stay`: stays after uninstalling, so that Kubernetes can be asked which hosts are clean.
import type { Writable } from 'node:stream';
import type { Config } from '../config.ts';
import { renderNotice } from '../metrics/page/document.ts';
import { type MetricsServer, startMetricsServer } from '../metrics/server.ts';
import { textLines } from './output.ts';

/** Answers kubelet's probes in the agent's place. */
export interface Staying {
  /** From now on it is ready: nothing of ours is on this host any more. */
  readonly isClean: () => void;
  readonly close: MetricsServer['close'];
}

/**
 * Serves `/healthz` and `/readyz` where the agent would, so that the probes of its pod hold for this
 * too. Not ready until it is told. Throws `setting_invalid` when it cannot listen.
 */
export async function startStaying(
  { listen }: Pick<Config, 'listen'>,
  stderr: Writable,
): Promise<Staying & { readonly port: number }> {
  let ready = false;
  const state = () => (ready ? 'uninstalled' : 'uninstalling');
  const server = await startMetricsServer({
    ...listen,
    metrics: { render: () => Promise.resolve(''), contentType: 'text/plain; version=0.0.4' },
    ready: () => ({ ready, reasons: ready ? [] : ['what was installed is still on this host'] }),
    page: () => renderNotice(state()),
    report: () => ({ state: state() }),
    onError: (error) => stderr.write(textLines([`a request failed: ${String(error)}`])),
  });
  return {
    port: server.port,
    isClean: () => {
      ready = true;
    },
    close: () => server.close(),
  };
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

// A pod that uninstalls is alive at once and ready once its host is clean, and stays so until it is stopped.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { install } from '../../agent/commands/install.ts';
import { startStaying } from '../../agent/commands/uninstall-stay.ts';
import { AgentHost, IS_ROOT, VERIFIER } from '../support/agent-host.ts';
import { freePort } from '../support/free-port.ts';
import { runCommand, startNodeseal } from '../support/front-door.ts';

describe('staying', () => {
  it('answers the probes of the agent: alive at once, ready when it is told', async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    const staying = await startStaying({ listen }, new PassThrough());
    onTestFinished(staying.close);
    const ask = async (path: string) => fetch(`http://127.0.0.1:${staying.port}${path}`);
    expect((await ask('/healthz')).status).toBe(200);
    const early = await ask('/readyz');
    expect(early.status).toBe(503);
    expect(await early.text()).toContain('what was installed is still on this host');
    staying.isClean();
    expect((await ask('/readyz')).status).toBe(200);
    expect(await (await ask('/')).text()).toContain('uninstalled');
    expect(await (await ask('/status.json')).json()).toEqual({ state: 'uninstalled' });
    // Scraping it is no fault, though there is nothing to tell.
    expect((await ask('/metrics')).status).toBe(200);
  });
});

describe.runIf(IS_ROOT)('uninstall --stay', () => {
  it('is ready once the host is clean, and ends with 0 when it is stopped', async () => {
    const host = new AgentHost();
    await runCommand(install, [], host.settings());
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    const port = await freePort();
    const child = startNodeseal(['uninstall', '--stay'], {
      ...host.settings(),
      NODESEAL_LISTEN: `127.0.0.1:${port}`,
    });
    const ended = once(child, 'close') as Promise<[number | null]>;
    while (!(await isReady(port))) await delay(20);
    expect(existsSync(host.at(VERIFIER))).toBe(false);
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });
});

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  return response?.ok === true;
}

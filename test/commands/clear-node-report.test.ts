// What uninstalling takes off the Node object, and what it says when it cannot.
import { describe, expect, it } from 'vitest';
import { clearedLines, clearNodeReport } from '../../agent/commands/clear-node-report.ts';
import { parseConfig } from '../../agent/config.ts';
import { startKubernetesApi } from '../support/kubernetes-api.ts';

const NODE = parseConfig({ NODESEAL_NODE_NAME: 'node-1' });
const { signal } = new AbortController();

describe('taking the report off the Node', () => {
  it('leaves labels and conditions of others, and does nothing the second time', async () => {
    const { environment, serviceAccountDir, ...api } = await open();
    for (let times = 0; times < 2; times++) {
      const cleared = await clearNodeReport(NODE, environment, false, signal, serviceAccountDir);
      expect(cleared).toEqual({ node: 'node-1', isCleared: true, fault: null });
      expect(api.labels).toEqual({ 'kubernetes.io/os': 'linux' });
      expect([...api.conditions.keys()]).toEqual(['Ready']);
    }
  });

  it('is told, and not done, as a dry run', async () => {
    const { environment, serviceAccountDir, seen } = await open();
    const told = await clearNodeReport(NODE, environment, true, signal, serviceAccountDir);
    expect(told === null ? [] : clearedLines(told)).toEqual([
      'would remove  label nodeseal.io/enforcement and condition NodesealEnforcing of node node-1',
    ]);
    expect(seen).toEqual([]);
  });

  it('that fails is told, and no more', async () => {
    const told = await clearNodeReport(NODE, {}, false, signal);
    expect(told?.fault?.code).toBe('kubernetes_failed');
    expect(told === null ? [] : clearedLines(told)).toEqual([
      expect.stringMatching(/^warning {2}kubernetes_failed: .*KUBERNETES_SERVICE_HOST/),
    ]);
  });

  it('is nothing where no node is named', async () => {
    expect(await clearNodeReport(parseConfig({}), {}, false, signal)).toBeNull();
  });
});

async function open() {
  const api = await startKubernetesApi('node-1');
  api.labels['nodeseal.io/enforcement'] = 'enforcing';
  api.conditions.set('NodesealEnforcing', { type: 'NodesealEnforcing', status: 'True' });
  const { environment, serviceAccountDir, seen, labels, conditions } = api;
  return { environment, serviceAccountDir, seen, labels, conditions };
}

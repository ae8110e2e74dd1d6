// Whether Kubernetes is told anything, and what the log says where it is not.
import { describe, expect, it } from 'vitest';
import { kubernetesOf } from '../../../agent/commands/run/kubernetes.ts';

const ENVIRONMENT = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

function open(
  nodeName: string | undefined,
  environment: Readonly<Record<string, string>>,
  admissionConfiguration?: string,
) {
  const log: unknown[] = [];
  const logger = {
    info: (text: string) => log.push(text),
    warn: ({ code }: { readonly code: string }, text: string) => log.push([code, text]),
  } as never;
  return { access: kubernetesOf({ nodeName, admissionConfiguration }, environment, logger), log };
}

describe('Kubernetes', () => {
  it('is told by a pod that knows its node', () => {
    const { access, log } = open('n1', ENVIRONMENT);
    expect(access?.nodeName).toBe('n1');
    expect(log).toEqual([]);
  });

  it('is not asked what a webhook would say, where none is named', () => {
    expect(open('n1', ENVIRONMENT).access?.admission).toBeUndefined();
    expect(open('n1', ENVIRONMENT, 'nodeseal').access?.admission).toBeDefined();
  });

  it('is told nothing where no node is named, which is no fault', () => {
    const { access, log } = open(undefined, ENVIRONMENT);
    expect(access).toBeUndefined();
    expect(log).toEqual(['no node is named: Kubernetes is told nothing']);
  });

  it.each([
    ['no API server', {}],
    ['no host', { KUBERNETES_SERVICE_PORT: '443' }],
    ['no port', { KUBERNETES_SERVICE_HOST: '10.96.0.1' }],
  ])('is told nothing where the environment names %s, and the log says so once', (_, names) => {
    const { access, log } = open('n1', names);
    expect(access).toBeUndefined();
    expect(log).toEqual([
      ['kubernetes_failed', expect.stringMatching(/^no API server is known: .* as in a pod/)],
    ]);
  });
});

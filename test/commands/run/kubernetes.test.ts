// Whether Kubernetes is told anything, and what the log says where it is not.
import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../agent/audit/ledger.ts';
import { kubernetesOf, KubernetesReports } from '../../../agent/commands/run/kubernetes.ts';
import { FakeClock, settle } from '../../audit/fake-clock.ts';
import { pullOf } from '../../audit/history-records.ts';

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

describe('a pull on a node with a webhook', () => {
  it('is held against what that would say, once it is in the audit trail', async () => {
    const { access } = open('n1', ENVIRONMENT, 'nodeseal');
    if (access === undefined) throw new TypeError('expected an API server');
    const asked: string[] = [];
    const told: unknown[] = [];
    const compared = Promise.withResolvers<undefined>();
    const nothing = () => Promise.resolve();
    const admission = (name: string) => {
      asked.push(name);
      const { policyHash, trustHash } = pullOf();
      const reason = 'signature_missing';
      return Promise.resolve({
        ...({ decision: 'deny', reason, inconclusive: false, policyHash, trustHash } as const),
      });
    };
    const ledger = openLedger(':memory:');
    const reports = new KubernetesReports(
      { ...access, report: nothing, waiting: () => Promise.resolve([]), admission },
      {
        ...{ ledger, clock: new FakeClock(), random: () => 0 },
        enforcement: () => ({ state: 'unknown', causes: [], provedAt: null }),
        log: { info: () => undefined, warn: () => undefined },
        metrics: {
          countError: (code) => told.push(code),
          countComparison: (result) => told.push(result),
          countAdmissionDisagreement: (found) => {
            told.push(found);
            compared.resolve(undefined);
          },
        },
      },
    );
    ledger.history.onAdd = reports.linesAdded;
    const stop = new AbortController();
    const ended = reports.run(stop.signal);
    await settle();
    const pull = pullOf();
    ledger.history.add(pull);
    await compared.promise;
    stop.abort();
    await ended;
    ledger.close();
    expect(asked).toEqual([`${pull.repository}@${String(pull.digest)}`]);
    expect(told).toEqual(['disagreed', { kind: 'would_refuse', cause: 'evidence' }]);
  });
});

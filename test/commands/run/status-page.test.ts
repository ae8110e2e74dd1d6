// The status page of a ledger: which images and pulls it shows, and that it shows none where it must not.
import { expect, it, onTestFinished } from 'vitest';
import { statusPage, type StatusPageParts } from '../../../agent/commands/run/status-page.ts';
import { openLedger } from '../../../agent/audit/ledger.ts';
import { verdictOf } from '../../support/verdict.ts';
import { pullOf, reverificationOf } from '../../audit/history-records.ts';
import { containerOf, digestOf, pulledRecords, REPOSITORY } from '../../audit/images.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const GENERATION = { policyHash: 'p', trustHash: 't' };
const LOADED = { hash: 'h', generation: 1, loadedAt: NOW };

function open() {
  const ledger = openLedger(':memory:');
  onTestFinished(() => ledger.close());
  return ledger;
}

function partsOf(ledger: StatusPageParts['ledger']): StatusPageParts {
  return {
    ...{ version: '1.2.3', now: () => NOW, mode: 'enforce', nodeName: undefined, ledger },
    breakGlass: () => ({ state: 'absent' }),
    problems: () => [],
    enforcement: () => ({ state: 'enforcing', causes: [], provedAt: NOW }),
    policy: () => LOADED,
    trust: () => ({ ...LOADED, nextExpiry: null }),
    certificates: () => [{ store: 'ca:acme', subject: 'CN=acme', notAfter: NOW }],
    inventory: () => ({ images: [], containers: [] }),
    journalLagSeconds: () => 0,
    verifierFile: () => '/nowhere',
    isInStep: () => true,
  };
}

it('tells of the node, and names nothing where names are not to be shown', () => {
  expect(statusPage(partsOf(undefined), 'state=failed')).toMatchObject({
    ...{ state: 'enforcing', node: null, now: NOW, breakGlass: { message: 'none' } },
    trust: { hash: 'h', certificates: [{ store: 'ca:acme' }], total: 1 },
    details: null,
  });
});

it('shows the images that the query asks for, those to be looked at first', () => {
  const ledger = open();
  ledger.reconcileImages([...pulledRecords(1, 'good'), ...pulledRecords(2, 'bad')], NOW);
  for (const [n, broken] of [
    [1, {}],
    [2, { decision: 'deny', reason: 'signature_missing', signer: null }],
  ] as const) {
    const key = { repository: REPOSITORY, digest: digestOf(n) };
    const verdict = verdictOf({ ...key, ...broken });
    ledger.recordReverification(key, verdict, { ...GENERATION, due: NOW, attempts: 0 });
  }
  ledger.containers.reconcile([containerOf('a', { images: [`${REPOSITORY}:good`] })], NOW);
  const shown = (query: string) => statusPage(partsOf(ledger), query).details;
  expect(shown('')).toMatchObject({
    ...{ matching: 2, total: 2 },
    images: [
      { name: `${REPOSITORY}:bad`, state: 'failed', reason: 'signature_missing', needsLook: true },
      { name: `${REPOSITORY}:good`, state: 'verified', others: 0, runsIn: ['shop/pod-a'] },
    ],
  });
  const names = (query: string) => shown(query)?.images.map(({ name }) => name.split(':')[1]);
  expect(names('state=look')).toEqual(['bad']);
  expect(names('state=verified')).toEqual(['good']);
  expect(names('state=stale')).toEqual([]);
  expect(names('running=yes')).toEqual(['good']);
  expect(names('text=:BAD')).toEqual(['bad']);
  expect(names('text=CN%3Dsigner')).toEqual(['good']);
  expect(names('text=shop/pod-a')).toEqual(['good']);
  expect(names(`text=${digestOf(2)}&state=verified`)).toEqual([]);
});

it('shows the last pulls, the last first', () => {
  const ledger = open();
  ledger.history.add(pullOf({ name: 'first' }));
  ledger.history.add(reverificationOf());
  ledger.history.add(pullOf({ name: 'last', decision: 'deny', reason: 'signature_missing' }));
  expect(statusPage(partsOf(ledger), '').details?.pulls).toMatchObject([
    { image: 'last', decision: 'deny', isAdmitted: false, at: NOW },
    { image: 'first', decision: 'allow', isAdmitted: true },
  ]);
});

// What `/status.json` tells: all that a person or a program asks first, and nothing that is not so.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Status, type StatusParts } from '../../../agent/commands/run/status.ts';
import { hashHex } from '../../../agent/notation/encoding/crypto.ts';
import { temporaryDirectory } from '../../support/front-door.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const LOADED = { generation: 2, loadedAt: new Date('2026-08-22T09:00:00Z') };

function partsOf(change: Partial<StatusParts> = {}): StatusParts {
  return {
    version: '1.2.3',
    now: () => NOW,
    mode: 'enforce',
    breakGlass: () => ({ state: 'absent' }),
    problems: () => [],
    enforcement: () => ({ state: 'enforcing', causes: [], provedAt: LOADED.loadedAt }),
    policy: () => ({ hash: 'p', ...LOADED }),
    trust: () => ({ hash: 't', ...LOADED, nextExpiry: { at: NOW, subject: 'CN=acme' } }),
    inventory: () => ({
      images: [
        { state: 'verified', cause: 'pulled', count: 5 },
        { state: 'verified', cause: 'imported', count: 2 },
        { state: 'failed', cause: 'imported', count: 1 },
      ],
      containers: [{ state: 'failed', count: 3 }],
    }),
    journalLagSeconds: () => 0.5,
    verifierFile: () => '/nowhere/nodeseal-verifier',
    isInStep: () => true,
    ...change,
  };
}

it('tells mode, coverage, lag and expiry', async () => {
  expect(await new Status(partsOf()).report()).toMatchObject({
    mode: 'enforce',
    breakGlass: { state: 'absent' },
    enforcement: { state: 'enforcing', proofAgeSeconds: 3600 },
    verifier: { sha256: null, version: null },
    trust: { nextExpiry: { subject: 'CN=acme' } },
    coverage: {
      ...{ images: 8, verified: 7, stale: 0, failed: 1, inconclusive: 0, unverified: 0 },
      causes: { pulled: 5, imported: 3, 'no-record': 0 },
      running: { verified: 0, failed: 3 },
    },
    journalLagSeconds: 0.5,
    problems: [],
  });
});

it('tells who broke the glass, and of a file that does not count', async () => {
  const order = { until: NOW, reason: 'registry is down', by: 'alice' };
  const active = new Status(partsOf({ breakGlass: () => ({ state: 'active', ...order }) }));
  expect(await active.report()).toMatchObject({ breakGlass: { state: 'active', ...order } });
});

it('tells checksum and version of the verifier while it is the one that came with the agent', async () => {
  const verifierFile = join(temporaryDirectory(), 'nodeseal-verifier');
  writeFileSync(verifierFile, 'one');
  const sha256 = hashHex('sha256', Buffer.from('one'));
  expect(await new Status(partsOf({ verifierFile: () => verifierFile })).report()).toMatchObject({
    verifier: { path: verifierFile, sha256, version: '1.2.3' },
  });
  expect(
    await new Status(partsOf({ verifierFile: () => verifierFile, isInStep: () => false })).report(),
  ).toMatchObject({ verifier: { sha256, version: null } });
  const status = new Status(partsOf({ verifierFile: () => verifierFile }));
  await status.report();
  writeFileSync(verifierFile, 'another one');
  expect(await status.report()).toMatchObject({
    verifier: { sha256: hashHex('sha256', Buffer.from('another one')) },
  });
});

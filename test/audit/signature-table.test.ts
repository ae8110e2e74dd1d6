// Signatures kept in the ledger: as they were, for images that are here, and never too much of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { MAX_SIGNATURE_BYTES, MAX_SIGNATURES_BYTES } from '../../agent/audit/signature-table.ts';
import type { StoredSignature } from '../../agent/verifier/stored-signatures.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf, pulledRecords, REPOSITORY } from './images.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const IMAGE = [REPOSITORY, digestOf(1)] as const;

let ledger: Ledger;
beforeEach(() => {
  ledger = openLedger(':memory:');
});
afterEach(() => {
  ledger.close();
});

function signature(n: number, bytes = 3000): StoredSignature {
  return {
    digest: digestOf(n + 0x2000),
    manifestType: 'application/vnd.oci.image.manifest.v1+json',
    manifest: Buffer.alloc(700, n),
    envelope: Buffer.alloc(bytes - 700, n + 1),
  };
}

/** Bytes as they are, whatever holds them. */
function bytesOf(stored: StoredSignature | undefined) {
  if (stored === undefined) return undefined;
  const { manifest, envelope } = stored;
  return { ...stored, manifest: Buffer.from(manifest), envelope: Buffer.from(envelope) };
}

describe('a signature', () => {
  it('comes back as it was, for its image and repository only', () => {
    ledger.signatures.put(...IMAGE, signature(1));
    expect(bytesOf(ledger.signatures.get(...IMAGE))).toEqual(signature(1));
    expect(ledger.signatures.get(REPOSITORY, digestOf(2))).toBeUndefined();
    expect(ledger.signatures.get('other.example/app', digestOf(1))).toBeUndefined();
  });

  it('takes the place of the one before', () => {
    ledger.signatures.put(...IMAGE, signature(1));
    ledger.signatures.put(...IMAGE, signature(2));
    expect(ledger.signatures.get(...IMAGE)?.digest).toBe(signature(2).digest);
    expect(ledger.signatures.has(...IMAGE, signature(2).digest)).toBe(true);
    expect(ledger.signatures.has(...IMAGE, signature(1).digest)).toBe(false);
    expect(ledger.signatures.bytes).toBe(3000);
  });

  it('is gone once it is forgotten', () => {
    ledger.signatures.put(...IMAGE, signature(1));
    ledger.signatures.forget(...IMAGE);
    expect(ledger.signatures.get(...IMAGE)).toBeUndefined();
    expect(ledger.signatures.bytes).toBe(0);
  });

  it('goes with its image', () => {
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW);
    ledger.signatures.put(...IMAGE, signature(1));
    ledger.signatures.put(REPOSITORY, digestOf(2), signature(2));
    ledger.reconcileImages(pulledRecords(2, 'v2'), NOW);
    expect(ledger.signatures.get(...IMAGE)).toBeUndefined();
    expect(ledger.signatures.get(REPOSITORY, digestOf(2))).toBeDefined();
  });
});

describe('writing signatures', () => {
  it('waits for no verdict when there are 96 of them', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'nodeseal-ledger-')), 'ledger.sqlite');
    const written = openLedger(path);
    const reader = openLedger(path, { readOnly: true });
    try {
      const put = (n: number) => {
        written.signatures.put(REPOSITORY, digestOf(n), signature(n));
      };
      for (let n = 1; n < 96; n++) put(n);
      expect(reader.signatures.bytes).toBe(0);
      put(96);
      expect(reader.signatures.bytes).toBe(96 * 3000);
    } finally {
      written.close();
      reader.close();
      rmSync(dirname(path), { recursive: true });
    }
  });

  it('is done before they are counted', () => {
    ledger.signatures.put(...IMAGE, signature(1));
    expect(ledger.signatures.bytes).toBe(3000);
  });

  it('is done with the verdicts that follow, in one transaction', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'nodeseal-ledger-')), 'ledger.sqlite');
    const written = openLedger(path);
    const reader = openLedger(path, { readOnly: true });
    try {
      written.reconcileImages(pulledRecords(1), NOW);
      written.signatures.put(...IMAGE, signature(1));
      expect(reader.signatures.get(...IMAGE)).toBeUndefined();
      const schedule = { policyHash: null, trustHash: null, due: NOW, attempts: 0 };
      const [repository, digest] = IMAGE;
      written.recordReverification({ repository, digest }, verdictOf({}), schedule);
      expect(bytesOf(reader.signatures.get(...IMAGE))).toEqual(signature(1));
    } finally {
      written.close();
      reader.close();
      rmSync(dirname(path), { recursive: true });
    }
  });
});

describe('the room for signatures', () => {
  it('is not for one that is too large, which leaves none behind', () => {
    ledger.signatures.put(...IMAGE, signature(1, MAX_SIGNATURE_BYTES));
    expect(ledger.signatures.get(...IMAGE)).toBeDefined();
    ledger.signatures.put(...IMAGE, signature(2, MAX_SIGNATURE_BYTES + 1));
    expect(ledger.signatures.get(...IMAGE)).toBeUndefined();
  });

  it('has an end for all together, and room again for another in the place of one', () => {
    const most = MAX_SIGNATURES_BYTES / MAX_SIGNATURE_BYTES;
    for (let n = 0; n < most; n++) {
      ledger.signatures.put(REPOSITORY, digestOf(n), signature(n % 200, MAX_SIGNATURE_BYTES));
    }
    expect(ledger.signatures.bytes).toBe(MAX_SIGNATURES_BYTES);
    ledger.signatures.put(REPOSITORY, digestOf(most), signature(1));
    expect(ledger.signatures.get(REPOSITORY, digestOf(most))).toBeUndefined();
    ledger.signatures.put(REPOSITORY, digestOf(0), signature(2));
    expect(ledger.signatures.get(REPOSITORY, digestOf(0))).toBeDefined();
  });
});

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import type { TrustStoreName } from '../../agent/notation/trustpolicy/trust-store-name.ts';
import { InForce } from '../../agent/verifier/in-force.ts';
import { createCa } from '../support/ca.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { temporaryDirectory } from '../support/front-door.ts';
import { documentOf, skipStatement, statement } from '../support/trust-policy.ts';

const ca = createCa();
const other = createCa({ name: 'Other' });
const ACME = 'truststore/x509/ca/acme/root.pem';

class Files {
  readonly #root = temporaryDirectory();
  readonly inForce = new InForce(this.at('policy.json'), this.at('truststore'));

  at(path: string): string {
    return join(this.#root, path);
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  remove(path: string): void {
    rmSync(this.at(path), { recursive: true });
  }

  /** Names of the policy's statements in force. */
  async statements(): Promise<readonly string[]> {
    return (await this.inForce.policy()).statements.map(({ name }) => name);
  }

  /** How many certificates the stores in force hold. */
  async trusted(...names: TrustStoreName[]): Promise<number> {
    const { stores } = await this.inForce.trust(names);
    return stores.reduce((count, { certificates }) => count + certificates.length, 0);
  }
}

/** A policy that names `ca:acme`, and that store, read once. */
async function open(): Promise<Files> {
  const files = new Files();
  files.write('policy.json', documentOf());
  files.write(ACME, ca.root.pem);
  const reading = await files.inForce.read();
  expect(reading).toEqual({ changed: true, trustErrors: [], certificates: 1 });
  return files;
}

describe('what is in force', () => {
  it('is nothing before the first reading, and after one that found nothing', async () => {
    const { inForce } = new Files();
    expect([inForce.isUsable, inForce.hashes]).toEqual([false, { policyHash: '', trustHash: '' }]);
    await expectCodeAsync(inForce.policy(), 'policy_missing');
    const { changed, policyError, certificates } = await inForce.read();
    expect({ changed, code: policyError?.code, certificates }).toEqual({
      changed: false,
      code: 'policy_missing',
      certificates: 0,
    });
    await expectCodeAsync(inForce.policy(), 'policy_missing');
    await expectCodeAsync(inForce.trust(['ca:acme']), 'truststore_missing');
  });

  it('says why there is no policy as of the last reading', async () => {
    const files = new Files();
    files.write('policy.json', '{');
    await files.inForce.read();
    await expectCodeAsync(files.inForce.policy(), 'policy_invalid');
    expect(files.inForce.isUsable).toBe(false);
  });

  it('is a good policy with its trust', async () => {
    const files = await open();
    expect(files.inForce.isUsable).toBe(true);
    expect(await files.statements()).toEqual(['acme']);
    expect(await files.trusted('ca:acme')).toBe(1);
    await expectCodeAsync(files.inForce.trust(['ca:acme', 'ca:other']), 'truststore_missing');
  });

  it('tells which certificate expires first, of none if there is none', async () => {
    const files = await open();
    const { notAfter, subject } = parseCertificate(ca.root.der, 'root');
    expect(files.inForce.nextExpiry).toEqual({ at: notAfter, subject: subject.text });
    expect(files.inForce.certificates).toEqual([
      { store: 'ca:acme', subject: subject.text, notAfter },
    ]);
    files.remove('truststore');
    await files.inForce.read();
    expect(files.inForce.nextExpiry).toBeNull();
  });

  it('tells when the first certificate of each type of store expires', async () => {
    const files = await open();
    const { notAfter: at } = parseCertificate(ca.root.der, 'root');
    expect(files.inForce.expiries).toEqual([{ type: 'ca', at }]);
    files.remove('truststore');
    await files.inForce.read();
    expect(files.inForce.expiries).toEqual([]);
  });

  it('tells which registries the policy names', async () => {
    const { inForce } = new Files();
    expect(inForce.namesRegistry('registry.example')).toBe(false);
    const files = await open();
    files.write(
      'policy.json',
      documentOf([statement({ registryScopes: ['registry.example/app'] })]),
    );
    await files.inForce.read();
    expect(files.inForce.namesRegistry('registry.example')).toBe(true);
    expect(files.inForce.namesRegistry('registry.exam')).toBe(false);
    expect(files.inForce.namesRegistry('app')).toBe(false);
  });

  it.each([
    ['malformed', '{', 'policy_invalid'],
    ['removed', null, 'policy_missing'],
  ])('stays the last good policy when the file is %s', async (_, content, code) => {
    const files = await open();
    const before = files.inForce.hashes;
    if (content === null) files.remove('policy.json');
    else files.write('policy.json', content);
    const reading = await files.inForce.read();
    expect(reading).toMatchObject({ changed: false, policyError: { code }, certificates: 1 });
    expect(files.inForce.hashes).toEqual(before);
    expect(await files.statements()).toEqual(['acme']);
    expect(await files.trusted('ca:acme')).toBe(1);
    files.write('policy.json', documentOf());
    const again = await files.inForce.read();
    expect(again).toEqual({ changed: false, trustErrors: [], certificates: 1 });
  });

  it('takes trust away also while the policy offered is refused', async () => {
    const files = await open();
    files.write('policy.json', '{');
    files.write(ACME, other.root.pem);
    expect(await files.inForce.read()).toMatchObject({ changed: true, certificates: 1 });
    const { stores } = await files.inForce.trust(['ca:acme']);
    expect(stores[0]?.certificates[0]?.subject.text).toContain('Other');
  });

  it('trusts nobody when a store is removed or spoilt, until it is back', async () => {
    const files = await open();
    const before = files.inForce.hashes;
    for (const code of ['truststore_missing', 'truststore_invalid'] as const) {
      if (code === 'truststore_missing') files.remove('truststore/x509/ca/acme');
      else files.write(ACME, 'junk');
      const gone = await files.inForce.read();
      expect(gone).toMatchObject({ changed: true, trustErrors: [{ code }], certificates: 0 });
      await expectCodeAsync(files.inForce.trust(['ca:acme']), code);
      expect(files.inForce.hashes.policyHash).toBe(before.policyHash);
      expect(files.inForce.hashes.trustHash).not.toBe(before.trustHash);
      files.write(ACME, ca.root.pem);
      const back = await files.inForce.read();
      expect(back).toEqual({ changed: true, trustErrors: [], certificates: 1 });
      expect(files.inForce.hashes).toEqual(before);
    }
  });

  it('counts a store that is spoilt after it was missing as a change of reason', async () => {
    const files = await open();
    files.remove(ACME);
    expect((await files.inForce.read()).changed).toBe(true);
    expect((await files.inForce.read()).changed).toBe(false);
    files.write(ACME, 'junk');
    expect((await files.inForce.read()).changed).toBe(true);
  });

  it('lets one bad store take only its own statements down', async () => {
    const files = await open();
    const two = [
      statement(),
      statement({ name: 'b', registryScopes: ['example.io/b'], trustStores: ['ca:b'] }),
    ];
    files.write('policy.json', documentOf(two));
    const reading = await files.inForce.read();
    expect(reading).toMatchObject({
      trustErrors: [{ code: 'truststore_missing' }],
      certificates: 1,
    });
    expect(await files.trusted('ca:acme')).toBe(1);
    await expectCodeAsync(files.inForce.trust(['ca:b']), 'truststore_missing');
  });
});

describe('the hashes', () => {
  it('do not change when nothing that counts did', async () => {
    const files = await open();
    const before = files.inForce.hashes;
    files.write('policy.json', documentOf());
    files.write('truststore/x509/ca/unused/root.pem', other.root.pem);
    files.write('truststore/x509/ca/acme/again.pem', ca.root.pem);
    expect((await files.inForce.read()).changed).toBe(false);
    expect(files.inForce.hashes).toEqual(before);
  });

  it.each<[string, (files: Files) => void, string]>([
    [
      'a statement is added',
      (files) => files.write('policy.json', documentOf([statement(), skipStatement()])),
      'policyHash',
    ],
    [
      'a certificate is added',
      (files) => files.write('truststore/x509/ca/acme/b.pem', other.root.pem),
      'trustHash',
    ],
    ['a certificate is replaced', (files) => files.write(ACME, other.root.pem), 'trustHash'],
  ])('change when %s', async (_, change, which) => {
    const files = await open();
    const before: Readonly<Record<string, string>> = files.inForce.hashes;
    change(files);
    expect((await files.inForce.read()).changed).toBe(true);
    const after: Readonly<Record<string, string>> = files.inForce.hashes;
    const changed = Object.keys(after).filter((key) => after[key] !== before[key]);
    expect(changed).toEqual([which]);
  });

  it('change with the trust that a new policy names, both at once', async () => {
    const files = await open();
    files.write('truststore/x509/ca/b/root.pem', other.root.pem);
    files.write('policy.json', documentOf([statement({ name: 'b', trustStores: ['ca:b'] })]));
    const reading = files.inForce.read();
    // Under way, all is as it was; afterwards, nothing is.
    expect(await files.statements()).toEqual(['acme']);
    expect(await files.trusted('ca:acme')).toBe(1);
    await expectCodeAsync(files.inForce.trust(['ca:b']), 'truststore_missing');
    await reading;
    expect(await files.statements()).toEqual(['b']);
    expect(await files.trusted('ca:b')).toBe(1);
    await expectCodeAsync(files.inForce.trust(['ca:acme']), 'truststore_missing');
  });
});

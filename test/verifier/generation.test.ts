import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGeneration } from '../../agent/verifier/generation.ts';
import { MAX_STORE_CERTIFICATES } from '../../agent/verifier/truststore/load.ts';
import { createCa } from '../support/ca.ts';
import { ConfigMapVolume, type VolumeFiles } from '../support/config-map.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { temporaryDirectory } from '../support/front-door.ts';
import { documentOf, skipStatement, statement } from '../support/trust-policy.ts';

const ca = createCa();
const [ACME, OTHER] = ['x509/ca/acme/root.pem', 'x509/signingAuthority/other/root.pem'];
const GOOD: VolumeFiles = { [ACME]: ca.root.pem, [OTHER]: ca.root.pem };
const POLICY = documentOf([
  statement({ trustStores: ['ca:acme', 'signingAuthority:other'] }),
  statement({ name: 'same', registryScopes: ['example.io/same'] }),
]);

/** Reads a generation from ConfigMap volumes. */
function read(files: VolumeFiles = GOOD, policy: Uint8Array | string = POLICY) {
  const source = new ConfigMapVolume({ 'policy.json': policy });
  return readGeneration(join(source.path, 'policy.json'), new ConfigMapVolume(files).path);
}

describe('a generation', () => {
  it('is policy and the files of each store that it names, once', async () => {
    const { policy, policyBytes, trustFiles } = await read();
    expect(policy.statements).toHaveLength(2);
    expect(Buffer.from(policyBytes)).toEqual(Buffer.from(POLICY));
    expect(trustFiles.map(({ path }) => path)).toEqual([ACME, OTHER]);
    for (const { bytes } of trustFiles) expect(Buffer.from(bytes).toString()).toBe(ca.root.pem);
  });

  it('leaves out stores that no statement names, be they as bad as they like', async () => {
    const { trustFiles } = await read({ ...GOOD, 'x509/ca/unused/junk.pem': 'junk' });
    expect(trustFiles.map(({ path }) => path)).toEqual([ACME, OTHER]);
  });

  it('needs no trust stores when it trusts nobody', async () => {
    const source = new ConfigMapVolume({ 'policy.json': documentOf([skipStatement()]) });
    const { trustFiles } = await readGeneration(join(source.path, 'policy.json'), '/nowhere');
    expect(trustFiles).toEqual([]);
  });

  it.each<[string, VolumeFiles, string]>([
    ['a store is missing', { [ACME]: ca.root.pem }, 'truststore_missing'],
    ['a certificate is none', { ...GOOD, [OTHER]: 'junk' }, 'truststore_invalid'],
    [
      'one of several certificates is no CA',
      { ...GOOD, 'x509/ca/acme/leaf.pem': ca.issue().pem },
      'truststore_invalid',
    ],
    [
      'a store holds more certificates than the host would take',
      { ...GOOD, [OTHER]: ca.root.pem.repeat(MAX_STORE_CERTIFICATES + 1) },
      'truststore_invalid',
    ],
  ])('is refused whole when %s', async (_, files, code) => {
    await expect(read()).resolves.toBeDefined();
    await expect(read(files)).rejects.toMatchObject({ code });
  });

  it('is refused when its policy is missing or malformed', async () => {
    await expectCodeAsync(read(GOOD, '{'), 'policy_invalid');
    await expectCodeAsync(readGeneration('/nowhere/policy.json', '/nowhere'), 'policy_missing');
  });

  it('is refused when there is no folder of trust stores, or nothing in a store', async () => {
    const source = new ConfigMapVolume({ 'policy.json': documentOf() });
    const policy = join(source.path, 'policy.json');
    const error = await expectCodeAsync(readGeneration(policy, '/nowhere'), 'truststore_missing');
    expect(error.message).toContain('"/nowhere"');
    const empty = temporaryDirectory();
    mkdirSync(join(empty, 'x509/ca/acme'), { recursive: true });
    await expectCodeAsync(readGeneration(policy, empty), 'truststore_missing');
  });

  it('takes no certificate from outside its folder', async () => {
    const source = new ConfigMapVolume({ 'policy.json': documentOf() });
    const [outside, root] = [temporaryDirectory(), temporaryDirectory()];
    writeFileSync(join(outside, 'root.pem'), ca.root.pem);
    mkdirSync(join(root, 'x509/ca/acme'), { recursive: true });
    symlinkSync(join(outside, 'root.pem'), join(root, 'x509/ca/acme/root.pem'));
    const reading = readGeneration(join(source.path, 'policy.json'), root);
    await expectCodeAsync(reading, 'truststore_invalid');
  });
});

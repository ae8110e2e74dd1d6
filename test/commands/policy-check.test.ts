import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { policyCheck } from '../../agent/commands/policy-check.ts';
import { MAX_DOCUMENT_BYTES } from '../../agent/notation/trustpolicy/document.ts';
import { createCa } from '../support/ca.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { startFakeContainerd } from '../support/fake-containerd.ts';
import { runCommand, temporaryDirectory } from '../support/front-door.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

function fileOf(bytes: Uint8Array | string): string {
  const file = join(temporaryDirectory(), 'policy.json');
  writeFileSync(file, bytes);
  return file;
}

describe('policy check', () => {
  it('finds a good document valid', async () => {
    const file = fileOf(documentOf());
    expect(await runCommand(policyCheck, [file])).toMatchObject({
      code: 0,
      stdout: `${file}: valid\n`,
    });
  });

  it('warns of what is valid but may not be meant', async () => {
    const changes = { trustedIdentities: ['x509.subject: CN=example.io'] };
    const file = fileOf(documentOf([statement(changes)]));
    const { code, stdout } = await runCommand(policyCheck, [file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /: valid\n {2}warning {2}1:\d+ {2}trustPolicies\[0\]\.trustedIdentities\[0\]: /,
    );
    const json = await runCommand(policyCheck, [file, '--output', 'json']);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toEqual({
      file,
      valid: true,
      faults: [],
      warnings: [
        {
          path: 'trustPolicies[0].trustedIdentities[0]',
          line: 1,
          column: 181,
          message: expect.stringContaining('notation rejects') as string,
        },
      ],
    });
  });

  it('tells all faults of an invalid one', async () => {
    const broken = { trustStores: ['nonsense'], signatureVerification: { level: 'lax' } };
    const file = fileOf(documentOf([statement(broken)]));
    const { code, stdout } = await runCommand(policyCheck, [file]);
    expect(code).toBe(1);
    expect(stdout.split('\n')[0]).toBe(`${file}: invalid`);
    expect(stdout.match(/^ {2}fault {4}/gm)).toHaveLength(2);
    const json = await runCommand(policyCheck, ['--output=json', file]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      faults: [
        { path: 'trustPolicies[0].trustStores[0]', line: 1 },
        { path: 'trustPolicies[0].signatureVerification.level', line: 1 },
      ],
    });
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
  ])('finds %s invalid', async (_, bytes) => {
    const { code, stdout } = await runCommand(policyCheck, [fileOf(bytes)]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/: invalid\n {2}fault {4}1:\d+ {2}document: expected .+\n$/);
  });

  it('finds a document invalid that is too large to be looked into', async () => {
    const file = fileOf(' '.repeat(MAX_DOCUMENT_BYTES + 1));
    const { code, stdout } = await runCommand(policyCheck, [file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/: invalid\n {2}fault {4}document: .+ bytes, found more\n$/);
  });

  it('lines up what has a place with what has none', async () => {
    const broken = documentOf([statement({ name: '' })], { version: undefined });
    const { stdout } = await runCommand(policyCheck, [fileOf(broken)]);
    const [, ...lines] = stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^ {2}fault {10}version: expected /),
      expect.stringMatching(/^ {2}fault {4}1:20 {2}trustPolicies\[0\]\.name: expected /),
    ]);
  });

  describe('with --truststore', () => {
    const ca = createCa();

    async function warningsOf(stores: readonly string[], ...files: readonly [string, string][]) {
      const truststore = temporaryDirectory();
      for (const [path, content] of files) {
        mkdirSync(dirname(join(truststore, path)), { recursive: true });
        writeFileSync(join(truststore, path), content);
      }
      const two = [
        statement({ trustStores: ['ca:acme'] }),
        statement({ name: 'two', registryScopes: ['example.io/two'], trustStores: stores }),
      ];
      const file = fileOf(documentOf(two));
      const args = [file, '--truststore', truststore, '--output=json'];
      const { code, stdout } = await runCommand(policyCheck, args);
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { warnings: { path: string; message: string }[] }).warnings;
    }

    it('has nothing to say about good stores', async () => {
      const acme = 'x509/ca/acme/root.pem';
      const clock = 'x509/tsa/clock/root.pem';
      const stores = ['ca:acme', 'tsa:clock'];
      expect(await warningsOf(stores, [acme, ca.root.pem], [clock, ca.root.pem])).toEqual([]);
    });

    it('warns of each store once, where it is named first', async () => {
      const empty = ['x509/ca/empty/old/x', ''] as const;
      const old = createCa({ root: { notAfter: new Date('2024-06-01T00:00:00Z') } }).root;
      expect(
        await warningsOf(
          ['ca:acme', 'ca:absent', 'ca:empty'],
          ['x509/ca/acme/root.pem', old.pem],
          [...empty],
        ),
      ).toEqual([
        expect.objectContaining({
          path: 'trustPolicies[0].trustStores',
          line: 1,
          message: expect.stringContaining('it expired on 2024-06-01') as string,
        }),
        expect.objectContaining({
          path: 'trustPolicies[1].trustStores',
          message: expect.stringMatching(/^trust store ca:absent: expected it to exist/) as string,
        }),
        expect.objectContaining({
          message: expect.stringContaining('a directory in a store is ignored') as string,
        }),
        expect.objectContaining({
          message: 'trust store ca:empty: expected at least one certificate, found none',
        }),
      ]);
    });

    it('warns once of a directory that is not there', async () => {
      const file = fileOf(documentOf([statement({ trustStores: ['ca:a', 'ca:b'] })]));
      const absent = join(temporaryDirectory(), 'absent');
      const { code, stdout } = await runCommand(policyCheck, [file, '--truststore', absent]);
      expect(code).toBe(0);
      expect(stdout.match(/expected a directory that holds x509\//g)).toHaveLength(1);
    });

    it('looks at no store that an invalid document names', async () => {
      const file = fileOf(documentOf([statement({ name: '' })]));
      const { code, stdout } = await runCommand(policyCheck, [file, '--truststore=/nowhere']);
      expect([code, stdout.includes('warning')]).toEqual([1, false]);
    });
  });

  describe('with --containerd-socket', () => {
    it('warns of images that no statement covers', async () => {
      const containerd = await startFakeContainerd();
      onTestFinished(() => containerd.stop());
      const target = { mediaType: 'a/b', digest: `sha256:${'0'.repeat(64)}`, size: '1' };
      const names = ['example.io/acme/app:1', 'example.io/other:1', target.digest];
      const images = names.map((name) => ({ name, target }));
      containerd.answer('containerd.services.images.v1.Images', 'List', () => ({ images }));
      const args = [fileOf(documentOf()), '--containerd-socket', containerd.socketPath];
      const { code, stdout } = await runCommand(policyCheck, args);
      expect(code).toBe(0);
      expect(stdout.match(/warning/g)).toHaveLength(1);
      expect(stdout).toContain('the image "example.io/other:1" on this node would be refused');
    });

    it('cannot run when nobody answers', async () => {
      const socket = join(temporaryDirectory(), 'containerd.sock');
      const run = runCommand(policyCheck, [fileOf(documentOf()), '--containerd-socket', socket]);
      await expectCodeAsync(run, 'containerd_unavailable');
    });
  });

  it('brings no escape sequence of a document to the terminal', async () => {
    const file = fileOf(documentOf([statement({ name: '\u001b[2J\u009b', level: '\u001b]0;x' })]));
    for (const format of ['text', 'json']) {
      const { stdout } = await runCommand(policyCheck, [file, '--output', format]);
      expect(stdout).not.toMatch(/\p{Cc}(?<!\n)/u);
    }
  });

  it('cannot run without a file', async () => {
    const file = join(temporaryDirectory(), 'policy.json');
    await expectCodeAsync(runCommand(policyCheck, [file]), 'policy_missing');
    await expectCodeAsync(runCommand(policyCheck, []), 'argument_invalid');
    await expectCodeAsync(runCommand(policyCheck, [file, '--output', 'xml']), 'argument_invalid');
  });
});

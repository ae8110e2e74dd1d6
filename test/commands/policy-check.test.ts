import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { policyCheck } from '../../agent/commands/policy-check.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
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
    expect(await runCommand(policyCheck, [file])).toEqual({ code: 0, stdout: `${file}: valid\n` });
  });

  it('warns of what is valid but may not be meant', async () => {
    const changes = { trustedIdentities: ['x509.subject: CN=example.io'] };
    const file = fileOf(documentOf([statement(changes)]));
    const { code, stdout } = await runCommand(policyCheck, [file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/: valid\n {2}warning {2}/);
    const json = await runCommand(policyCheck, [file, '--output', 'json']);
    expect(json.code).toBe(0);
    const { warnings } = JSON.parse(json.stdout) as { warnings: string[] };
    expect(warnings).not.toEqual([]);
    expect(JSON.parse(json.stdout)).toMatchObject({ file, valid: true, faults: [] });
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
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false });
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    [
      'more than this version performs',
      documentOf([statement({ trustStores: ['ca:acme', 'tsa:acme'] })]),
    ],
  ])('finds %s invalid', async (_, bytes) => {
    const { code, stdout } = await runCommand(policyCheck, [fileOf(bytes)]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/: invalid\n {2}fault {4}.+\n$/);
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

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verify } from '../../agent/commands/verify.ts';
import { createCa } from '../support/ca.ts';
import { openEvidenceHost } from '../support/evidence-host.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand, temporaryDirectory } from '../support/front-door.ts';
import {
  startTestRegistry,
  TEST_CREDENTIAL,
  type TestRegistryOptions,
} from '../support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { documentOf, statement, type StatementJson } from '../support/trust-policy.ts';

const ca = createCa();

/** A registry with one signed and one unsigned image, and files that trust the signer. */
async function open(changes: StatementJson = {}, registryOptions: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(registryOptions);
  onTestFinished(() => registry.close());
  const directory = temporaryDirectory();
  const [policy, truststore] = [join(directory, 'policy.json'), join(directory, 'trust')];
  const registryScopes = [`${registry.host}/team/app`];
  const good = statement({ registryScopes, trustedIdentities: ['*'], ...changes });
  writeFileSync(policy, documentOf([good]));
  mkdirSync(join(truststore, 'x509/ca/acme'), { recursive: true });
  writeFileSync(join(truststore, 'x509/ca/acme/root.pem'), ca.root.pem);
  const image = registry.pushImage('team/app', 'signed');
  registry.pushImage('team/app', 'unsigned', 'unsigned');
  const envelope = signEnvelope({ format: 'jws', signer: ca.issue(), target: image });
  const signature = registry.attachSignature('team/app', image, envelope, MEDIA_TYPES.jws);
  const options = ['--policy', policy, '--truststore', truststore];
  const run = (tag: string, ...more: string[]) =>
    runCommand(verify, [`${registry.host}/team/app:${tag}`, ...options, ...more]);
  return { registry, image, signature, policy, truststore, options, run };
}

describe('verify', () => {
  it('allows a signed image and denies an unsigned one', async () => {
    const { run, image, signature, registry } = await open();
    const allowed = await run('signed');
    expect(allowed.code).toBe(0);
    expect(allowed.stdout).toMatch(/\nallow {2}verified: .+\n$/);
    expect(allowed.stdout).toContain(`image      ${registry.host}/team/app\n`);
    expect(allowed.stdout).toContain(`digest     ${image.digest}\n`);
    expect(allowed.stdout).toContain(`signature  ${signature.digest}\n`);
    expect(allowed.stdout).toMatch(/^ {2}✓ integrity/m);
    const denied = await run('unsigned');
    expect(denied.code).toBe(1);
    expect(denied.stdout).toMatch(/\ndeny {2}signature_missing: .+\n$/);
  });

  it('opens a private registry with the credentials of Docker’s configuration', async () => {
    const { run, registry } = await open({}, { auth: 'basic' });
    const { username, password } = TEST_CREDENTIAL;
    const config = join(temporaryDirectory(), 'config.json');
    writeFileSync(config, JSON.stringify({ auths: { [registry.host]: { username, password } } }));
    expect(await run('signed', '--docker-config', config)).toMatchObject({ code: 0 });
    expect((await run('unsigned', '--docker-config', config)).stdout).toContain(
      'signature_missing',
    );
    const without = await run('signed', '--docker-config', `${config}.missing`);
    expect([without.code, without.stdout.includes('registry_denied')]).toEqual([1, true]);
    writeFileSync(config, '{"auths":{"a.example":{"auth":"a secret"}}}');
    const broken = await run('signed', '--docker-config', config);
    expect(broken.stderr).toContain('expected base64 of username:password');
    expect(broken.stderr).not.toContain('a secret');
  });

  it('runs verification plugins of the directory that it is given', async () => {
    const directory = temporaryDirectory();
    const { image } = await openEvidenceHost(directory, 'plugin', true);
    const [policy, trust, plugins] = ['policy.json', 'truststore', 'plugins'].map((name) =>
      join(directory, name),
    ) as [string, string, string];
    const args = [image.name, '--policy', policy, '--truststore', trust, '--plugins'];
    expect(await runCommand(verify, [...args, plugins])).toMatchObject({ code: 0 });
    const elsewhere = await runCommand(verify, [...args, directory]);
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.stdout).toContain('plugin_missing');
  });

  it('gives the whole verdict as JSON', async () => {
    const { run, image, signature } = await open();
    const { code, stdout } = await run('signed', '--output', 'json');
    expect(code).toBe(0);
    const { results, ...verdict } = JSON.parse(stdout) as { results: { type: string }[] };
    expect(verdict).toMatchObject({
      decision: 'allow',
      reason: 'verified',
      message: expect.any(String) as string,
      policy: 'acme',
      level: 'strict',
      skippedSignatures: { count: 0, first: [] },
      signature: signature.digest,
      digest: image.digest,
    });
    expect(results.map(({ type }) => type)).toContain('authenticity');
    const denied = await run('unsigned', '--output', 'json');
    expect(denied.code).toBe(1);
    expect(JSON.parse(denied.stdout)).toMatchObject({
      decision: 'deny',
      reason: 'signature_missing',
      signature: null,
      results: [],
    });
  });

  it('takes a digest and options in any order', async () => {
    const { registry, image, options } = await open();
    const ref = `${registry.host}/team/app@${image.digest}`;
    expect(await runCommand(verify, ['--plain-http', ...options, ref])).toMatchObject({ code: 0 });
  });

  it('denies where trust or image is missing, because that is a verdict', async () => {
    const { run, truststore } = await open();
    expect((await run('missing')).stdout).toMatch(/\ndeny {2}registry_not_found: .+\n$/);
    rmSync(truststore, { recursive: true });
    expect(await run('signed')).toMatchObject({ code: 1 });
  });

  it('cannot run without a policy that it can carry out', async () => {
    const { run, policy } = await open();
    expect((await run('signed')).code).toBe(0);
    writeFileSync(policy, '{}');
    await expectCodeAsync(run('signed'), 'policy_invalid');
    rmSync(policy);
    await expectCodeAsync(run('signed'), 'policy_missing');
  });

  it.each([
    ['no reference', []],
    ['two references', ['example.io/app:1', 'example.io/app:2']],
    ['a reference without registry', ['app:1']],
    ['a reference that is none', ['example.io/App:1']],
    ['a digest that is none', ['example.io/app@sha256:12']],
    ['another format', ['example.io/app:1', '--output', 'yaml']],
    ['a CA that is not there', ['example.io/app:1', '--registry-ca', '/nowhere/ca.pem']],
    ['an unknown option', ['example.io/app:1', '--insecure']],
    ['a time without a unit', ['example.io/app:1', '--timeout', '30']],
    ['no time', ['example.io/app:1', '--timeout', '0s']],
    ['more time than a day', ['example.io/app:1', '--timeout', '25h']],
  ])('cannot run with %s', async (_, args) => {
    const { options } = await open();
    await expectCodeAsync(runCommand(verify, [...options, ...args]), 'argument_invalid');
  });

  it('cannot run without policy or trust being named', async () => {
    const { options } = await open();
    for (const some of [options.slice(2), options.slice(0, 2)]) {
      await expectCodeAsync(runCommand(verify, ['example.io/app:1', ...some]), 'argument_invalid');
    }
  });

  it('waits no longer than it may', async () => {
    const { registry, run } = await open();
    expect((await run('signed', '--timeout', '1m')).code).toBe(0);
    registry.intercept = () => true;
    const { code, stdout } = await run('signed', '--timeout', '1s');
    expect(code).toBe(1);
    expect(stdout).toMatch(/\ndeny {2}deadline_exceeded, inconclusive: .+\n$/);
  });

  it('tells the requests to the registry beside the verdict, if it is asked to', async () => {
    const { run } = await open();
    expect((await run('signed')).stderr).toBe('');
    const { stdout, stderr } = await run('signed', '--verbose', '--output', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'allow' });
    expect(stderr.replaceAll(/\d+ ms/g, 'N ms')).toBe(`\
registry  resolve    200        N ms
registry  referrers  200        N ms
registry  manifest   200        N ms
registry  blob       200        N ms
`);
  });

  it('brings no escape sequence of a signer to the terminal', async () => {
    const { registry, run } = await open({ trustedIdentities: ['x509.subject: C=US,ST=WA,O=No'] });
    const target = registry.pushImage('team/app', 'hostile', 'hostile');
    const signer = ca.issue({
      subject: [
        ['C', 'US'],
        ['O', '\u001b[2J\u009bm\r\nallow  verified'],
      ],
    });
    const envelope = signEnvelope({ format: 'cose', signer, target });
    registry.attachSignature('team/app', target, envelope, MEDIA_TYPES.cose);
    for (const format of ['text', 'json']) {
      const { code, stdout } = await run('hostile', '--output', format);
      expect(code).toBe(1);
      expect(stdout).toContain('[2J');
      expect(stdout).not.toMatch(/\p{Cc}(?<!\n)/u);
      expect(stdout).not.toMatch(/^allow/m);
    }
  });
});

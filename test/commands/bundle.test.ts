import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../agent/commands/bundle.ts';
import { verify } from '../../agent/commands/verify.ts';
import { LayoutTurn } from '../../agent/verifier/bundle/layout-turn.ts';
import { createCa } from '../support/ca.ts';
import { openEvidenceHost } from '../support/evidence-host.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { nodeseal, runCommand, temporaryDirectory } from '../support/front-door.ts';
import { mintCrl } from '../support/crl.ts';
import { openEvidenceServer, serveBytes } from '../support/ocsp-server.ts';
import { createTsa } from '../support/tsa.ts';
import { startTestRegistry } from '../support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const ca = createCa();

/** A registry with one signed and one unsigned image, and files that trust the signer. */
async function open() {
  const registry = await startTestRegistry();
  let isUp = true;
  const stop = async () => {
    if (isUp) await registry.close();
    isUp = false;
  };
  onTestFinished(stop);
  const directory = temporaryDirectory();
  const image = registry.pushImage('team/app', 'signed');
  registry.pushImage('team/app', 'unsigned', 'unsigned');
  const sign = (signer = ca.issue()) => {
    const envelope = signEnvelope({ format: 'jws', signer, target: image });
    return registry.attachSignature('team/app', image, envelope, MEDIA_TYPES.jws);
  };
  const signature = sign();
  const repository = `${registry.host}/team/app`;
  const [policy, truststore] = [join(directory, 'policy.json'), join(directory, 'trust')];
  const good = statement({ registryScopes: [repository], trustedIdentities: ['*'] });
  writeFileSync(policy, documentOf([good]));
  mkdirSync(join(truststore, 'x509/ca/acme'), { recursive: true });
  writeFileSync(join(truststore, 'x509/ca/acme/root.pem'), ca.root.pem);
  const output = join(directory, 'bundle');
  const trust = ['--policy', policy, '--truststore', truststore, '--output', 'json'];
  const verdictOn = async (name: string, ...more: string[]) => {
    const { code, stdout } = await runCommand(verify, [name, ...trust, ...more]);
    return { code, verdict: JSON.parse(stdout) as { reason: string; message: string } };
  };
  const write = (...args: string[]) => runCommand(bundle, ['--output', output, ...args]);
  const blob = (digest: string) => join(output, 'blobs', digest.replace(':', '/'));
  return {
    registry,
    repository,
    directory,
    image,
    signature,
    sign,
    output,
    stop,
    write,
    verdictOn,
    blob,
  };
}

describe('bundle', () => {
  it('carries signatures to where the registry is not reached', async () => {
    const { repository, image, output, stop, write, verdictOn, signature } = await open();
    const name = `${repository}:signed`;
    const written = await write(name);
    expect(written).toMatchObject({ code: 0, stderr: '' });
    expect(written.stdout).toBe(
      `${name}  1 signature\n${output}: 1 image, 0 CRLs, 0 OCSP responses\n`,
    );
    await stop();
    for (const known of [name, `${repository}@${image.digest}`]) {
      expect(await verdictOn(known)).toMatchObject({
        code: 1,
        verdict: { reason: 'registry_unreachable' },
      });
      const { code, verdict } = await verdictOn(known, '--bundle', output);
      expect([code, verdict]).toMatchObject([
        0,
        { reason: 'verified', signature: signature.digest, digest: image.digest },
      ]);
      expect(verdict.message).toMatch(/; its signature is in a bundle of \S+Z, 0 hours old$/);
    }
    const unknown = await verdictOn(`${repository}:unsigned`, '--bundle', output);
    expect(unknown.verdict.reason).toBe('registry_unreachable');
  });

  it('says which images have no signature, as text and as JSON', async () => {
    const { repository, directory, image, signature, output, write } = await open();
    const list = join(directory, 'images.txt');
    writeFileSync(list, `# ours\n${repository}:signed # newest\n\n${repository}:unsigned\n`);
    const text = await write('--list', list);
    expect(text.code).toBe(1);
    expect(text.stdout).toContain(`${repository}:unsigned  no signature\n`);
    const json = await write('--list', list, '--format', 'json', `${repository}:nowhere`);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      output,
      images: [
        { digest: null, signatures: [], faults: [{ code: 'registry_not_found' }] },
        { digest: image.digest, signatures: [signature.digest], faults: [] },
        { name: `${repository}:unsigned`, signatures: [], faults: [] },
      ],
      crls: [],
      faults: [],
    });
  });

  it('leaves out what is no signature', async () => {
    const { registry, repository, image, write, signature } = await open();
    registry.attachSignature('team/app', image, Buffer.from('{}'), MEDIA_TYPES.jws);
    const { code, stdout } = await write(`${repository}:signed`, '--format', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      images: [{ signatures: [signature.digest], faults: [{ code: 'envelope_invalid' }] }],
    });
  });

  it('brings a bundle up to date, and writes beside nothing else', async () => {
    const { repository, directory, output, write, verdictOn, stop } = await open();
    await write(`${repository}:unsigned`);
    expect(await write(`${repository}:signed`)).toMatchObject({ code: 0 });
    expect(readdirSync(output).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    await stop();
    expect((await verdictOn(`${repository}:signed`, '--bundle', output)).code).toBe(0);
    const elsewhere = runCommand(bundle, ['--output', directory, `${repository}:signed`]);
    await expectCodeAsync(elsewhere, 'argument_invalid');
  });

  it('is written whole by each of two at once, one after the other', async () => {
    const { registry, repository, output, stop, verdictOn } = await open();
    const names = ['one', 'two'].map((tag) => {
      const target = registry.pushImage('team/app', tag, tag);
      const envelope = signEnvelope({ format: 'jws', signer: ca.issue(), target });
      registry.attachSignature('team/app', target, envelope, MEDIA_TYPES.jws);
      return `${repository}:${tag}`;
    });
    const runs = names.map((name) => nodeseal(['bundle', '--output', output, name]));
    const ended = await Promise.all(runs);
    for (const { code, stderr } of ended) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readdirSync(output).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    await stop();
    const verdicts = await Promise.all(names.map((name) => verdictOn(name, '--bundle', output)));
    expect(verdicts.map(({ verdict }) => verdict.reason).sort()).toEqual([
      'registry_unreachable',
      'verified',
    ]);
  });

  it('is not written while another writes it, for as long as it may take', async () => {
    const { repository, output, write } = await open();
    await write(`${repository}:unsigned`);
    const other = await LayoutTurn.open(output);
    onTestFinished(() => other.close());
    await other.take(new AbortController().signal);
    const late = write(`${repository}:signed`, '--timeout', '1s');
    const { message } = await expectCodeAsync(late, 'bundle_busy');
    expect(message).toBe(`${output}: expected no other writer, found one at work: try again`);
    await other.close();
    expect(await write(`${repository}:signed`)).toMatchObject({ code: 0 });
  });

  it.each([
    ['no image', []],
    ['a name without a tag', ['registry.example/team/app']],
    ['a name that is none', ['busybox']],
    [
      'a folder of trust that is not there',
      ['registry.example/a:b', '--truststore', '/nonexistent'],
    ],
    ['a list that is not there', ['--list', '/nonexistent']],
    ['an unknown format', ['registry.example/a:b', '--format', 'yaml']],
  ])('does not run with %s', async (_, args) => {
    const output = join(temporaryDirectory(), 'bundle');
    const run = runCommand(bundle, ['--output', output, ...args]);
    await expectCodeAsync(run, 'argument_invalid');
  });
});

describe('a verdict with a bundle', () => {
  it('asks no registry for what the bundle has', async () => {
    const { registry, repository, image, output, write, verdictOn } = await open();
    await write(`${repository}:signed`);
    registry.requests.length = 0;
    const { code } = await verdictOn(`${repository}@${image.digest}`, '--bundle', output);
    expect(code).toBe(0);
    // Its size is not in the name.
    expect(registry.requests.filter(({ path }) => !path.includes(image.digest))).toEqual([]);
  });

  it('asks the registry where what the bundle has is not good', async () => {
    const { repository, output, write, verdictOn, blob, signature, stop } = await open();
    const name = `${repository}:signed`;
    await write(name);
    writeFileSync(blob(signature.digest), 'damaged');
    const { code, verdict } = await verdictOn(name, '--bundle', output);
    expect([code, verdict.reason]).toEqual([0, 'verified']);
    await stop();
    expect((await verdictOn(name, '--bundle', output)).verdict.reason).toBe('content_mismatch');
  });

  it('trusts nobody for being in it', async () => {
    const { registry, repository, image, output, write, verdictOn, stop } = await open();
    registry.repositories.get('team/app')?.referrers.clear();
    const signer = createCa({ name: 'Other' }).issue();
    const envelope = signEnvelope({ format: 'jws', signer, target: image });
    registry.attachSignature('team/app', image, envelope, MEDIA_TYPES.jws);
    expect((await write(`${repository}:signed`)).code).toBe(0);
    await stop();
    const { code, verdict } = await verdictOn(`${repository}:signed`, '--bundle', output);
    expect([code, verdict.reason]).toEqual([1, 'certificate_untrusted']);
  });

  it('does not hang on a bundle that cannot be read, and says so where nothing else can', async () => {
    const { repository, directory, verdictOn, stop } = await open();
    const broken = ['--bundle', join(directory, 'nowhere')];
    const unsigned = (await verdictOn(`${repository}:unsigned`, ...broken)).verdict;
    expect(unsigned.reason).toBe('signature_missing');
    expect(unsigned.message).toMatch(/found none; bundle .*nowhere/);
    const name = `${repository}:signed`;
    expect((await verdictOn(name, ...broken)).code).toBe(0);
    await stop();
    expect((await verdictOn(name, ...broken)).verdict.reason).toBe('registry_unreachable');
  });
});

describe('a CRL in a bundle', () => {
  it.each([
    [true, 0, 'verified'],
    [false, 1, 'certificate_revoked'],
  ])('decides without its server: good %s', async (isGood, code, reason) => {
    const directory = temporaryDirectory();
    const { image, server, asked } = await openEvidenceHost(directory, 'crl', isGood);
    const output = join(directory, 'bundle');
    const written = await runCommand(bundle, ['--output', output, image.name, '--format', 'json']);
    expect(written.code).toBe(0);
    expect(JSON.parse(written.stdout)).toMatchObject({ crls: [{ address: `${server?.url}/crl` }] });
    server?.routes.clear();
    const before = asked();
    const files = ['policy.json', 'truststore'].map((name) => join(directory, name));
    const [policy = '', truststore = ''] = files;
    const options = ['--policy', policy, '--truststore', truststore, '--output', 'json'];
    const without = await runCommand(verify, [image.name, ...options]);
    expect(without.stdout).toContain('revocation_unreachable');
    const withBundle = await runCommand(verify, [image.name, ...options, '--bundle', output]);
    expect([withBundle.code, JSON.parse(withBundle.stdout)]).toMatchObject([code, { reason }]);
    expect(asked()).toBe(before + 1);
  });

  it('that could not be had is told, and the rest is written', async () => {
    const directory = temporaryDirectory();
    const { image, server } = await openEvidenceHost(directory, 'crl', true);
    server?.routes.clear();
    const output = join(directory, 'bundle');
    const { code, stdout } = await runCommand(bundle, ['--output', output, image.name]);
    expect(code).toBe(1);
    expect(stdout).toContain('revocation_unreachable');
    expect(readFileSync(join(output, 'index.json'), 'utf8')).toContain(image.descriptor.digest);
  });

  it('of an authority on time is carried, too', async () => {
    const server = await openEvidenceServer();
    const tsa = createTsa({ signer: { crlUrl: `${server.url}/tsa` } });
    server.routes.set('/tsa', serveBytes(mintCrl(tsa.issuer)));
    const { registry, repository, image, write } = await open();
    const stamped = { timestampToken: (signature: Uint8Array) => tsa.stamp(signature) };
    const envelope = signEnvelope({ format: 'jws', signer: ca.issue(), target: image, ...stamped });
    registry.attachSignature('team/app', image, envelope, MEDIA_TYPES.jws);
    const { code, stdout } = await write(`${repository}:signed`, '--format', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ crls: [{ address: `${server.url}/tsa` }] });
  });
});

// The audit trail on a real node: what containerd and the verifier did, line by line, in the
// ledger, on stdout and by the command.
import { createInterface } from 'node:readline';
import { beforeAll, expect, it } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { encodeBreakGlass } from '../../agent/pull/break-glass.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { type NodeAgent, nodeseal, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { importImage, type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { sign, type SigningKey } from '../support/node-signatures.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import { describeOnNode, type TestNode } from '../support/test-node.ts';

const BREAK_GLASS = '/run/nodeseal/break-glass.json';

type Line = Readonly<Record<string, unknown>>;

describeOnNode('the audit trail', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let trusted: SigningKey;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let imported: PushedImage;
  let urgent: PushedImage;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({ node, registry, client, key: trusted } = await bootSigningNode(started));
    await node.writeFile(`${SOURCE}/policy.json`, policy('strict'));
    signed = await pushImage(registry, 'app', { tag: 'signed' });
    await sign(registry, signed.pinned, { key: trusted, format: 'jws' });
    unsigned = await pushImage(registry, 'app', { tag: 'unsigned' });
    imported = await pushImage(registry, 'app', { tag: 'imported' });
    urgent = await pushImage(registry, 'app', { tag: 'urgent' });
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  it('has each pull with its verdict', async () => {
    await pullImage(client, signed.tagged);
    await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    const allowed = await found({ kind: 'pull', digest: signed.digest });
    expect(allowed).toMatchObject({
      ...{ decision: 'allow', reason: 'verified', name: signed.tagged, mode: 'enforce' },
      ...{
        policy: 'acme',
        signer: expect.stringContaining('CN=acme') as string,
        admitted: true,
        via: 'agent',
      },
    });
    const denied = await found({ kind: 'pull', digest: unsigned.digest });
    expect(denied).toMatchObject({
      decision: 'deny',
      reason: 'signature_missing',
      admitted: false,
    });
  });

  it('has what came around the verifier, and what break-glass let in', async () => {
    await importImage(registry, imported);
    expect(await found({ kind: 'disagreement', digest: imported.digest })).toMatchObject({
      ...{ decision: 'deny', reason: 'signature_missing', cause: 'not_pulled', before: null },
    });
    const until = new Date(Date.now() + 3_600_000);
    const text = encodeBreakGlass({ until, reason: 'registry is down', by: 'alice' });
    await node.writeFile(BREAK_GLASS, text, 0o600);
    await pullImage(client, urgent.tagged);
    await node.output(['rm', BREAK_GLASS]);
    const pull = await found({ kind: 'pull', digest: urgent.digest });
    expect(pull).toMatchObject({ decision: 'allow', reason: 'break_glass', mode: 'break_glass' });
    expect(await found({ kind: 'disagreement', digest: urgent.digest })).toMatchObject({
      ...{ decision: 'deny', cause: 'break_glass', before: { reason: 'break_glass' } },
    });
    const counted = (cause: string) =>
      agent.value('nodeseal_disagreements_total', { kind: 'let_in', cause });
    expect([await counted('not_pulled'), await counted('break_glass')]).toEqual([1, 1]);
  });

  it('has what turns with the policy, before and after', async () => {
    await node.writeFile(`${SOURCE}/policy.json`, policy('skip'));
    expect(await found({ kind: 'flip', digest: imported.digest })).toMatchObject({
      ...{ decision: 'allow', reason: 'skipped_by_policy' },
      before: { decision: 'deny', reason: 'signature_missing' },
    });
    await found({ kind: 'flip', digest: urgent.digest });
    const flips = await agent.value('nodeseal_verdict_flips_total', { from: 'deny', to: 'allow' });
    expect(flips).toBe(2);
    await node.writeFile(`${SOURCE}/policy.json`, policy('strict'));
    await found({ kind: 'flip', digest: imported.digest, decision: 'deny' });
  });

  it('is followed beside the agent, and tells people what to know', async () => {
    const child = node.spawn([
      'env',
      '/usr/local/bin/node',
      '/usr/local/lib/nodeseal/nodeseal.js',
      'audit',
      '--follow',
      '--kind',
      'pull',
      '--since',
      '1s',
    ]);
    const shown = Promise.withResolvers<string>();
    if (child.stdout === null) throw new TypeError();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('signature_missing')) shown.resolve(line);
    });
    await removeImage(client, unsigned.tagged);
    await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    expect(await shown.promise).toMatch(/^ {22}signature_missing: /);
    child.kill('SIGTERM');
    const table = await nodeseal(node, 'audit', '--image', imported.digest);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^TIME +DECISION +KIND +IMAGE\n/);
    expect(table.stdout).toContain('containerd let it in (not_pulled): signature_missing: ');
    expect(table.stdout).toMatch(
      / deny before \(signature_missing, [-\dT:]+Z\): skipped_by_policy: /,
    );
  });

  it('is the same on stdout, and goes on after a restart without a gap or a line twice', async () => {
    // The first sweep is at the start: what it is to remove must be old by then.
    await agent.until('all lines to be older than a second', async () => {
      const last = (await listed()).at(-1);
      return Date.now() - Date.parse(String(last?.['at'])) > 1000;
    });
    const first = await agent.stop();
    const told = logged(first.log);
    const ids = told.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    agent = await startNodeAgent(node, { NODESEAL_RETENTION: '1s' });
    await agent.until('old lines to be removed', async () => {
      return (await listed()).every(({ id }) => Number(id) > ids.length);
    });
    expect(
      await agent.value('nodeseal_ledger_removed_rows_total', { cause: 'age' }),
    ).toBeGreaterThan(0);
    expect(
      await agent.value('nodeseal_disagreements_total', { cause: 'not_pulled' }),
    ).toBeGreaterThan(0);
    await removeImage(client, unsigned.tagged);
    await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    await agent.until('the pull to be counted', async () => {
      return (
        (await agent.value('nodeseal_verdicts_total', { source: 'pull', decision: 'deny' })) === 3
      );
    });
    const second = logged((await agent.stop()).log);
    expect(second[0]?.['id']).toBe(ids.length + 1);
    expect(second).toContainEqual(expect.objectContaining({ kind: 'pull', decision: 'deny' }));
    agent = await startNodeAgent(node);
  });

  async function listed(): Promise<readonly Line[]> {
    const { stdout } = await nodeseal(node, 'audit', '--since', '1h', '--output', 'json');
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  /** The last line with these fields, once there is one. */
  async function found(wanted: Line): Promise<Line> {
    let line: Line | undefined;
    await agent.until(`a line: ${JSON.stringify(wanted)}`, async () => {
      const fits = (one: Line) =>
        Object.entries(wanted).every(([key, value]) => one[key] === value);
      line = (await listed()).findLast(fits);
      return line !== undefined;
    });
    return line ?? {};
  }

  function logged(log: readonly string[]): readonly Line[] {
    return log
      .filter((line) => line.includes('"log":"audit"'))
      .map((line) => JSON.parse(line) as Line);
  }

  function policy(level: 'strict' | 'skip'): string {
    const strict = { trustStores: ['ca:acme'], trustedIdentities: [trusted.subject] };
    const statement = {
      name: 'acme',
      registryScopes: [`${registry.host}/app`],
      signatureVerification: { level },
      ...(level === 'strict' ? strict : {}),
    };
    return JSON.stringify({ version: '1.0', trustPolicies: [statement] });
  }
});

// The audit trail on a real node whose journal and agent suffer everything at once: nothing is
// lost, nothing is counted twice.
// TEST_KILLS says how often the agent is killed; default 6, in the long mode 100.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { type Counts, type JournalAccount, JournalOracle } from '../support/journal-oracle.ts';
import { JournalUnrest } from '../support/journal-unrest.ts';
import {
  AGENT_BINDS,
  type NodeAgent,
  queryLedger,
  SOURCE,
  spawnNodeAgent,
  startNodeAgent,
} from '../support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { createSigningKey, sign, writeTruststore } from '../support/node-signatures.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const KILLS = Number(process.env['TEST_KILLS'] ?? 6);
/** From before it is ready to well after: at any moment of what it does. */
const LONGEST_LIFE_MS = 3_000;
/** Kills between two vacuums. */
const KILLS_PER_VACUUM = 3;
const PULLERS = 3;
const SIGNED = 4;
const UNSIGNED = 3;
/** Between two pulls of one puller, so that the node has time for what else is tested. */
const PAUSE_MS = 60;
/** Longer than lines may be out of order. */
const UNJUDGED_MS = 5_500;
const BIN_DIR = '/opt/containerd/image-verifier/bin';

describeOnNode('the audit trail of a node', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let unrest: JournalUnrest;
  let oracle: JournalOracle;
  let agent: NodeAgent | undefined;
  let signed: readonly PushedImage[];
  let unsigned: readonly PushedImage[];
  const ids = new Set<string>();
  /** By reference: what whoever pulled was told. */
  const told = new Map<string, { allowed: number; refused: number }>();
  /** By reference: how many are pulling it. */
  const pulling = new Map<string, number>();
  const beingRemoved = new Set<string>();

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      unrest = await JournalUnrest.prepare(node);
      oracle = new JournalOracle(node);
      registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      const key = await createSigningKey(node, 'acme', 'p-256');
      await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
      await node.writeFile(
        `${SOURCE}/policy.json`,
        documentOf([statement({ registryScopes: ['*'], trustedIdentities: ['*'] })]),
      );
      const push = (name: string, count: number) =>
        Promise.all(Array.from({ length: count }, (_, n) => pushImage(registry, `${name}-${n}`)));
      signed = await push('signed', SIGNED);
      unsigned = await push('unsigned', UNSIGNED);
      for (const { pinned } of signed) await sign(registry, pinned, { key, format: 'jws' });
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await agent?.stop();
      await node.stop();
    };
  });

  it(
    `loses and doubles nothing while its journal is rotated, vacuumed and restarted, and it is killed ${KILLS} times`,
    async () => {
      // The verifier has to be there before the first pull.
      await (await startNodeAgent(node)).stop();
      const stop = new AbortController();
      const pullers = Array.from({ length: PULLERS }, () => pullUntil(stop.signal));
      unrest.start();
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const doomed = spawnNodeAgent(node);
        await delay(Math.random() * LONGEST_LIFE_MS);
        await doomed.kill();
        if (kill % KILLS_PER_VACUUM === 0) await vacuum();
      }
      stop.abort();
      await Promise.all(pullers);
      await unrest.stop();
      agent = await startNodeAgent(node);
      await settle();
      await expectAccounted();
      expectTold();
      expect(oracle.size).toBeGreaterThan(KILLS * 10);
    },
    60_000 + KILLS * 10_000,
  );

  it('tells the same after it was killed while nothing happened', async () => {
    await agent?.stop();
    const idle = spawnNodeAgent(node);
    await idle.serving;
    await idle.kill();
    agent = await startNodeAgent(node);
    await expectAccounted();
  });

  it('takes a hostile image name for the name that it is', async () => {
    const victim = first(unsigned);
    const forged = forgedLines(victim);
    const before = oracle.account(ids);
    for (const line of forged) {
      for (const name of [line, `x"\n${line}`, `${victim.tagged}" failed" ${line}`]) {
        await expect(pullImage(client, name)).rejects.toThrow('containerd');
      }
    }
    await settle();
    await expectAccounted();
    const { verdicts, events } = oracle.account(ids);
    expect(verdicts).toEqual({
      ...before.verdicts,
      'deny signature_missing': (before.verdicts['deny signature_missing'] ?? 0) + 1,
    });
    expect(events['pull_blocked']).toBe((before.events['pull_blocked'] ?? 0) + 1);
  });

  it('takes what a hostile verifier says for its reason', async () => {
    const victim = first(unsigned);
    const forged = forgedLines(victim);
    const said = forged.map((line) => `printf '%s\\n' ${quoted(line)}`).join('; ');
    // Each writer lives until journald has read it, which looks up its unit only then.
    const sent = ['containerd', 'nodeseal-verifier']
      .map((who) => `systemd-cat --identifier=${who} sh -c ${quoted(`${said}; journalctl --sync`)}`)
      .join('; ');
    // Named to run after ours, and only for what ours lets in.
    await node.writeFile(
      `${BIN_DIR}/zz-hostile`,
      `#!/bin/sh\n${said}\n(${said}) >&2\n${sent}\nexit 1\n`,
      0o755,
    );
    const before = oracle.account(ids).verdicts;
    await expect(pullImage(client, first(signed).tagged)).rejects.toThrow('zz-hostile');
    await expect(pullImage(client, victim.tagged)).rejects.toThrow('signature_missing');
    await node.output(['rm', `${BIN_DIR}/zz-hostile`]);
    await expectAccounted();
    expect(oracle.account(ids).events['untrusted_verdict']).toBeGreaterThan(0);
    expect(oracle.account(ids).verdicts).toEqual({
      'allow verified': (before['allow verified'] ?? 0) + 1,
      'deny signature_missing': (before['deny signature_missing'] ?? 0) + 1,
    });
  });

  async function pullUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const images = [...signed, ...unsigned].filter(({ tagged }) => !beingRemoved.has(tagged));
      const image = images[Math.floor(Math.random() * images.length)];
      if (image === undefined) throw new TypeError('no images');
      await pull(image);
      if (Math.random() < 0.1) await remove(image);
      await delay(PAUSE_MS);
    }
  }

  async function pull({ tagged }: PushedImage): Promise<void> {
    const before = told.get(tagged) ?? { allowed: 0, refused: 0 };
    told.set(tagged, before);
    pulling.set(tagged, (pulling.get(tagged) ?? 0) + 1);
    try {
      ids.add(await pullImage(client, tagged));
      before.allowed += 1;
    } catch (error) {
      if (!String(error).includes('signature_missing')) throw error;
      before.refused += 1;
    } finally {
      pulling.set(tagged, (pulling.get(tagged) ?? 0) - 1);
    }
  }

  // A pull whose image is taken away before it ends is told that there is none.
  async function remove({ tagged }: PushedImage): Promise<void> {
    if ((pulling.get(tagged) ?? 0) > 0 || beingRemoved.has(tagged)) return;
    beingRemoved.add(tagged);
    await removeImage(client, tagged);
    beingRemoved.delete(tagged);
  }

  /** What was never judged counts once the log has gone on without a word of it. */
  async function settle(): Promise<void> {
    await delay(UNJUDGED_MS);
    await pull(first(unsigned));
  }

  /** Takes away what both the agent and the oracle have read. */
  async function vacuum(): Promise<void> {
    const reader = await startNodeAgent(node);
    await unrest.stop();
    await unrest.vacuum(async (untilUs) => {
      await oracle.look();
      await reader.until('the agent to have read the journal', async () => {
        const [position] = await queryLedger(node, 'SELECT realtime_us AS us FROM journal');
        return Number(position?.['us']) >= untilUs;
      });
    });
    await reader.stop();
    unrest.start();
  }

  /** Ledger and metrics tell what the journal tells. */
  async function expectAccounted(): Promise<void> {
    await oracle.look();
    const account = oracle.account(ids);
    let found: Found | undefined;
    await agent
      ?.until('the agent to have read the journal', async () => {
        found = await read();
        return JSON.stringify(found) === JSON.stringify(expected(account));
      })
      .catch(() => undefined);
    expect(found).toEqual(expected(account));
  }

  /**
   * The journal has a verdict for each answer that whoever pulled got. Where journald was away for longer
   * than the verifier waits for it, the verdict is there without its writer, and is told as such.
   */
  function expectTold(): void {
    const sum = (key: 'allowed' | 'refused') =>
      [...told.values()].reduce((total, one) => total + one[key], 0);
    const account = oracle.account(ids);
    const lost = lostVerdicts(account);
    expect(account.verdicts).toEqual({
      'allow verified': sum('allowed') - lost.allowed,
      'deny signature_missing': sum('refused') - lost.refused,
    });
    expect(lost.allowed + lost.refused).toBe(account.events['untrusted_verdict'] ?? 0);
  }

  /** What is to be the same wherever it is told. */
  interface Told {
    readonly events: Counts;
    readonly verdicts: Counts;
    /** By judgement, cause and mode. */
    readonly pulls: Counts;
  }

  interface Found {
    readonly ledger: Told;
    readonly metrics: Told;
    /** By image and judgement. */
    readonly images: Counts;
  }

  function expected(account: JournalAccount): Found {
    const { events, verdicts, verdictsByImage } = account;
    const decisions = Object.entries(verdicts).map(
      ([said, count]) => [`${said.split(' ')[0] ?? ''}  enforce`, count] as const,
    );
    // Everybody here pulls as kubelet does, and no verifier dies.
    const {
      pull_started: started = 0,
      pull_finished: finished = 0,
      pull_blocked: blocked = 0,
    } = events;
    const lost = lostVerdicts(account);
    const undecided = [
      ['not_reached  none', started - finished - blocked],
      ['unjudged  none', lost.allowed],
      ['blocked verdict_lost none', lost.refused],
    ] as const;
    const pulls = [...decisions, ...undecided.filter(([, count]) => count !== 0)];
    const images = Object.entries(verdictsByImage).map(([said, count]) => [
      said.slice(0, said.lastIndexOf(' ')),
      count,
    ]);
    const all = {
      events: sorted(events),
      verdicts: sorted(verdicts),
      pulls: sorted(Object.fromEntries(pulls)),
    };
    return { ledger: all, metrics: all, images: sorted(Object.fromEntries(images) as Counts) };
  }

  /** Pulls that containerd let in or refused by what our verifier said, whose verdict nobody may trust. */
  function lostVerdicts({ events, verdicts, blockedByUs }: JournalAccount) {
    const decided = (decision: string) =>
      Object.entries(verdicts)
        .filter(([said]) => said.startsWith(`${decision} `))
        .reduce((sum, [, count]) => sum + count, 0);
    const blockedByOthers = (events['pull_blocked'] ?? 0) - blockedByUs;
    const letIn = (events['pull_finished'] ?? 0) + blockedByOthers;
    return { allowed: letIn - decided('allow'), refused: blockedByUs - decided('deny') };
  }

  async function read(): Promise<Found> {
    const samples = (await agent?.metrics()) ?? [];
    const counted = (metric: string, ...labels: readonly string[]): Counts =>
      toCounts(
        samples
          .filter(({ name, value }) => name === metric && value > 0)
          .filter(({ labels: { source = 'pull' } }) => source === 'pull')
          .map((sample) => ({
            name: labels.map((label) => sample.labels[label] ?? '').join(' '),
            count: sample.value,
          })),
      );
    return {
      ledger: {
        events: await rows('SELECT event AS name, count FROM event_totals'),
        verdicts: await rows(
          `SELECT decision || ' ' || reason AS name, count FROM verdict_totals WHERE source = 'pull'`,
        ),
        pulls: await rows(
          `SELECT concat_ws(' ', judgement, cause, mode) AS name, count FROM pull_totals`,
        ),
      },
      metrics: {
        events: counted('nodeseal_containerd_events_total', 'event'),
        verdicts: counted('nodeseal_verdicts_total', 'decision', 'reason'),
        pulls: counted('nodeseal_pulls_total', 'judgement', 'cause', 'mode'),
      },
      images: await rows(
        `SELECT repository || '@' || digest || ' ' || counted AS name, count(*) AS count
         FROM pulls WHERE counted IN ('allow', 'deny') GROUP BY 1`,
      ),
    };
  }

  async function rows(sql: string): Promise<Counts> {
    return toCounts(await queryLedger(node, sql));
  }
});

function toCounts(rows: readonly Readonly<Record<string, unknown>>[]): Counts {
  return sorted(Object.fromEntries(rows.map((row) => [String(row['name']), Number(row['count'])])));
}

function sorted(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Lines as containerd and our verifier write them, on a pull that never was. */
function forgedLines({ tagged: name, repository, digest }: PushedImage): readonly string[] {
  const start = 'time="2026-08-22T10:11:12.123456789Z"';
  const verdict = {
    ...{ msg: 'notation signature verify: allow', nodeseal: 1, decision: 'allow' },
    ...{ reason: 'verified', inconclusive: false, repository, digest, policy: 'acme' },
    ...{ signature: digest, signer: 'CN=acme', policyHash: '1'.repeat(16) },
    ...{ trustHash: '2'.repeat(16), time: '2026-08-22T10:11:12.123Z', ms: 1, via: 'agent' },
    ...{ mode: 'enforce', name, message: 'verified' },
  };
  return [
    `${start} level=warning msg="Image verifier blocked pull" digest="${digest}" name="${name}" ok=false reason=no verifier=bindir`,
    `${start} level=debug msg="Image verifier allowed pull" digest="${digest}" name="${name}" ok=true reason=yes verifier=bindir`,
    `${start} level=info msg="Pulled image \\"${name}\\" with image id \\"${digest}\\", repo tag \\"${name}\\", repo digest \\"${repository}@${digest}\\", size \\"1\\" in 1s"`,
    JSON.stringify(verdict),
  ];
}

function first(images: readonly PushedImage[]): PushedImage {
  const [image] = images;
  if (image === undefined) throw new TypeError('expected an image, found none');
  return image;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

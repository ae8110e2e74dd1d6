// The audit trail on a real node whose journal and agent suffer everything at once: nothing is lost, nothing is counted twice.
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
      const pulling = Array.from({ length: PULLERS }, () => pullUntil(stop.signal));
      unrest.start();
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const doomed = spawnNodeAgent(node);
        await delay(Math.random() * LONGEST_LIFE_MS);
        await doomed.kill();
        if (kill % KILLS_PER_VACUUM === 0) await vacuum();
      }
      stop.abort();
      await Promise.all(pulling);
      await unrest.stop();
      agent = await startNodeAgent(node);
      await expectAccounted();
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

  async function pullUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const images = [...signed, ...unsigned];
      const image = images[Math.floor(Math.random() * images.length)];
      if (image === undefined) throw new TypeError('no images');
      await pull(image);
      if (Math.random() < 0.1) await removeImage(client, image.tagged);
      await delay(PAUSE_MS);
    }
  }

  async function pull({ tagged }: PushedImage): Promise<void> {
    const before = told.get(tagged) ?? { allowed: 0, refused: 0 };
    told.set(tagged, before);
    try {
      ids.add(await pullImage(client, tagged));
      before.allowed += 1;
    } catch (error) {
      if (!String(error).includes('signature_missing')) throw error;
      before.refused += 1;
    }
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

  /** Ledger and metrics tell what the journal tells, and that is what whoever pulled was told. */
  async function expectAccounted(): Promise<void> {
    await oracle.look();
    const account = oracle.account(ids);
    let found: Told | undefined;
    await agent
      ?.until('the agent to have read the journal', async () => {
        found = await read();
        return JSON.stringify(found) === JSON.stringify(expected(account));
      })
      .catch(() => undefined);
    expect(found).toEqual(expected(account));
    const allowed = [...told.values()].reduce((sum, one) => sum + one.allowed, 0);
    const refused = [...told.values()].reduce((sum, one) => sum + one.refused, 0);
    expect(account.verdicts).toEqual({
      'allow verified': allowed,
      'deny signature_missing': refused,
    });
  }

  interface Told {
    readonly ledger: { readonly events: Counts; readonly verdicts: Counts };
    readonly metrics: { readonly events: Counts; readonly verdicts: Counts };
  }

  function expected({ events, verdicts }: JournalAccount): Told {
    const sums = { events: sorted(events), verdicts: sorted(verdicts) };
    return { ledger: sums, metrics: sums };
  }

  async function read(): Promise<Told> {
    const events = await queryLedger(node, 'SELECT event AS name, count FROM event_totals');
    const verdicts = await queryLedger(
      node,
      `SELECT decision || ' ' || reason AS name, count FROM verdict_totals WHERE source = 'pull'`,
    );
    const samples = (await agent?.metrics()) ?? [];
    const eventSamples = samples
      .filter(({ name, value }) => name === 'nodeseal_containerd_events_total' && value > 0)
      .map(({ labels, value }) => ({ name: labels['event'], count: value }));
    const verdictSamples = samples
      .filter(
        ({ name, labels }) => name === 'nodeseal_verdicts_total' && labels['source'] === 'pull',
      )
      .map(({ labels, value }) => ({
        name: `${labels['decision'] ?? ''} ${labels['reason'] ?? ''}`,
        count: value,
      }));
    return {
      ledger: { events: toCounts(events), verdicts: toCounts(verdicts) },
      metrics: { events: toCounts(eventSamples), verdicts: toCounts(verdictSamples) },
    };
  }
});

function toCounts(rows: readonly Readonly<Record<string, unknown>>[]): Counts {
  return sorted(Object.fromEntries(rows.map((row) => [String(row['name']), Number(row['count'])])));
}

function sorted(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

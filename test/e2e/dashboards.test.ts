// The dashboards and alerts over a story on real nodes: a real Prometheus is asked what every panel asks, and has it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listCriImages, pullImage } from '../../agent/node/containerd/cri.ts';
import { createServingCertificate } from '../../agent/webhook/serving-key.ts';
import { POD, reviewOf, workload } from '../support/admission.ts';
import {
  DASHBOARDS,
  findPanel,
  type Panel,
  readDashboard,
  seriesName,
  type Target,
  withVariables,
} from '../support/dashboard.ts';
import { nodeseal } from '../support/node-agent.ts';
import {
  importImage,
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { runPod } from '../support/node-pods.ts';
import {
  type NodePrometheus,
  type Series,
  startNodePrometheus,
  type TimeRange,
} from '../support/node-prometheus.ts';
import { createSigningKey, sign, type SigningKey } from '../support/node-signatures.ts';
import { describeOnNode, type TestNode } from '../support/test-node.ts';
import { documentOf, skipStatement, statement } from '../support/trust-policy.ts';
import {
  askWebhook,
  launchWebhook,
  type RunningWebhook,
  WEBHOOK_NAME,
} from '../support/webhook.ts';
import { bootWorker, type Worker } from '../support/worker.ts';

/** Where hack/screenshots.ts wants the series of every panel. The story is then told slowly, of more nodes. */
const SERIES = process.env['DASHBOARD_SERIES'];
const IS_SLOW = SERIES !== undefined;
const CHAPTER_MS = 25_000;
const WORKERS = IS_SLOW ? 4 : 2;

/** For a machine that is loaded; nothing takes as long when it is not. */
const PATIENCE = { timeout: 60_000, interval: 200 };
const DAY_SECONDS = 86_400;
/** Points of a graph. */
const STEPS = 300;

const PROMETHEUS = new URL('../../manifests/prometheus/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, PROMETHEUS), 'utf8');
/** How long a condition has to hold is for promtool to try. */
const RULES = read('alerts.yaml').replaceAll(/^( +for:) .*$/gm, '$1 1s');

const fleet = (title: string): Panel => findPanel('nodeseal-fleet', title);
const detail = (title: string): Panel => findPanel('nodeseal-node', title);

describeOnNode('the story of a fleet, as dashboards and alerts tell it', () => {
  const workers: Worker[] = [];
  let node: TestNode;
  let first: Worker;
  let registry: Registry;
  /** One that will not answer any more. */
  let frail: Registry;
  let prometheus: NodePrometheus;
  let key: SigningKey;
  let pause: PushedImage;
  let webhook: RunningWebhook;
  let certificate: string;
  let directory: string;
  let began: number;

  beforeAll(async () => {
    for (let number = 1; number <= WORKERS; number += 1) {
      workers.push(await bootWorker(`worker-${number}`));
    }
    [first] = workers as [Worker];
    ({ node } = first);
    // The nodes have the machine's network: all of them reach what runs on one.
    registry = await startRegistry(node, 'crane');
    frail = await startRegistry(node, 'crane');
    key = await createSigningKey(node, 'acme', 'p-256', 90);
    pause = await pushImage(registry, 'pause', { command: 'sleep 3600' });
    for (const worker of workers) {
      await worker.configure(pause);
      await worker.offer(policy(), [key]);
      await worker.start();
    }
    const targets = workers.map(({ name, agent: { url } }) => ({
      ...{ url, labels: { cluster: 'test', node: name } },
    }));
    webhook = await startWebhook();
    const admission = { url: webhook.healthUrl, labels: { cluster: 'test', pod: 'webhook' } };
    began = Date.now();
    const all = { targets: [...targets, admission], rules: RULES };
    prometheus = await startNodePrometheus(node, all);
  });

  afterAll(async () => {
    await webhook.stop();
    rmSync(directory, { recursive: true, force: true });
    for (const worker of workers) await worker.stop();
  });

  it('passes promtool: rules, their unit tests, and the page of metrics', async () => {
    for (const file of ['alerts.yaml', 'alerts.test.yaml']) {
      await node.writeFile(`/srv/rules/${file}`, read(file));
    }
    await node.output(['promtool', 'check', 'rules', '/srv/rules/alerts.yaml']);
    const tried = await node.exec([
      ...['sh', '-c', 'cd /srv/rules && promtool test rules alerts.test.yaml'],
    ]);
    expect(tried.code, tried.stdout + tried.stderr).toBe(0);
    const page = await (await fetch(`${first.agent.url}/metrics`)).text();
    expect(await node.exec(['promtool', 'check', 'metrics'], { stdin: page })).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
    });
  });

  it('begins well: all nodes are proved to enforce, and signed images come in', async () => {
    await expect.poll(() => valueOf(fleet('Enforcing')), PATIENCE).toBe(WORKERS);
    for (const tag of ['1.0', '1.1', '2.0']) {
      const image = await signedImage(registry, tag);
      for (const { client } of workers) await pullImage(client, image.tagged);
      await pace(3);
    }
    await expect.poll(() => valueOf(fleet('Verified images')), PATIENCE).toBeGreaterThan(0.5);
    await expect.poll(() => valueOf(fleet('Pulls refused')), PATIENCE).toBe(0);
    const days = (await valueOf(fleet('Trust ends in'))) / DAY_SECONDS;
    expect(days).toBeGreaterThan(89);
    expect(await valueOf(fleet('Policies in force'))).toBe(1);
    expect(await namesOf(detail('State'))).toEqual(['enforcing']);
    expect(await namesOf(detail('Mode'))).toEqual(['enforce']);
    expect(await namesOf(detail('Last canary'))).toEqual(['proved']);
    expect(await alerts()).toEqual([]);
  });

  it('goes on with admission, which judges by the same policy and trust', async () => {
    const [good, bad] = [`${registry.host}/app:1.0`, `${registry.host}/rogue:none`];
    const outcomes = async () => {
      // No rate tells of what came before the first sample.
      for (const image of [good, bad]) {
        const review = reviewOf(POD, workload(POD, 'cart', image));
        expect((await askWebhook(webhook, review, { ca: certificate })).allowed).toBe(
          image === good,
        );
      }
      await pace(6);
      return namesOf(fleet('Reviews'));
    };
    await expect.poll(outcomes, PATIENCE).toEqual(['allowed', 'denied']);
    const answerSeconds = () => outcomes().then(() => valueOf(fleet('Time to an answer')));
    await expect.poll(answerSeconds, PATIENCE).toBeGreaterThan(0);
    const days = (await valueOf(fleet('Certificate ends in'))) / DAY_SECONDS;
    expect(days).toBeGreaterThan(29);
    expect(await namesOf(fleet('Nodes and admission differ'))).toEqual([]);
    expect(await valueOf(fleet('Policies in force'))).toBe(1);
    expect(await alerts()).toEqual([]);
  });

  it('goes on with a burst of unsigned images: refused, counted by reason, and told of', async () => {
    const tags = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const images = await Promise.all(tags.map((tag) => pushImage(registry, 'rogue', { tag })));
    for (const image of images) {
      await expect(pullImage(first.client, image.tagged)).rejects.toThrow('signature_missing');
      await pace(tags.length);
    }
    for (const panel of [fleet, detail]) {
      const reasons = panel('Reasons of refused pulls');
      await expect.poll(() => valueOf(reasons), PATIENCE).toBe(tags.length);
      expect(await namesOf(reasons)).toEqual(['signature_missing']);
    }
    await expect.poll(() => valueOf(fleet('Pulls refused')), PATIENCE).toBeGreaterThan(0);
    await expect.poll(alerts, PATIENCE).toContain('NodesealImagesRefused worker-1');
  });

  it('goes on with an image that was put there around any pull, and runs', async () => {
    const image = await pushImage(registry, 'rogue', { tag: 'smuggled' });
    await importImage(registry, image);
    // CRI learns of an import from an event.
    const tags = async () =>
      (await listCriImages(first.client)).flatMap(({ repoTags }) => repoTags);
    await expect.poll(tags, PATIENCE).toContain(image.tagged);
    const pod = { namespace: 'shop', name: 'cart-0' };
    await runPod(first.client, { ...image, pinned: image.tagged }, pod);
    await expect.poll(() => valueOf(fleet('Failed, running')), PATIENCE).toBe(1);
    await expect
      .poll(() => namesOf(fleet('Images that failed, by how they came')), PATIENCE)
      .toEqual(['imported']);
    await expect.poll(alerts, PATIENCE).toContain('NodesealFailedImageRunning worker-1');
    await pace();
  });

  it('goes on with trust that ends soon, a policy that is refused, and one that others touched', async () => {
    await first.offer(policy(), [await createSigningKey(node, 'legacy', 'p-256', 3)]);
    await expect
      .poll(() => valueOf(fleet('Trust ends in')), PATIENCE)
      .toBeLessThan(3 * DAY_SECONDS);
    await expect.poll(alerts, PATIENCE).toContain('NodesealTrustExpiring');
    expect(await alerts()).not.toContain('NodesealPolicyRefused worker-1');
    await first.offer('{');
    await expect.poll(() => valueOf(detail('Policy and trust offered')), PATIENCE).toBe(0);
    await expect.poll(alerts, PATIENCE).toContain('NodesealPolicyRefused worker-1');
    await pace(2);
    await first.offer(policy());
    await expect.poll(() => valueOf(detail('Policy and trust offered')), PATIENCE).toBe(1);
    await node.output(['sh', '-c', 'echo >>/etc/containerd/notation-policy.json']);
    await expect
      .poll(() => namesOf(detail('Files touched by others')), PATIENCE)
      .toEqual(['policy changed']);
    await pace(2);
  });

  it('goes on with a registry that does not answer, when its images are to be judged', async () => {
    const known = await signedImage(frail, '1.0');
    const unknown = await pushImage(frail, 'tools');
    for (const image of [known, unknown]) await pullImage(first.client, image.tagged);
    // No rate tells of what came before the first sample.
    const requests = `nodeseal_registry_requests_total{registry="${frail.host}"}`;
    await expect.poll(() => prometheus.query(requests), PATIENCE).not.toEqual([]);
    frail.stop();
    await first.offer(policy('strict'));
    await expect
      .poll(() => namesOf(fleet('Registries in trouble')), PATIENCE)
      .toContain(`${frail.host} no_answer`);
    await expect.poll(() => namesOf(fleet('Images by state')), PATIENCE).toContain('inconclusive');
    await expect.poll(() => valueOf(fleet('Policies in force')), PATIENCE).toBe(2);
    await pace();
  });

  it('goes on with a containerd that asks no verifier any more', async () => {
    expect(await alerts()).not.toContain('NodesealNodeBypassed worker-1');
    await first.configure(pause, { use_local_image_pull: true });
    await expect.poll(() => valueOf(fleet('Bypassed')), PATIENCE).toBe(1);
    expect(await valueOf(fleet('Enforcing'))).toBe(WORKERS - 1);
    await expect.poll(() => namesOf(detail('State')), PATIENCE).toEqual(['bypassed']);
    for (const panel of [fleet, detail]) {
      await expect.poll(() => namesOf(panel('Causes')), PATIENCE).toContain('use_local_image_pull');
    }
    await expect.poll(alerts, PATIENCE).toContain('NodesealNodeBypassed worker-1');
    const image = await pushImage(registry, 'rogue', { tag: 'unasked' });
    await pullImage(first.client, image.tagged);
    await expect
      .poll(() => namesOf(fleet('Images that failed, by how they came')), PATIENCE)
      .toContain('bypassed');
    await pace();
    if (IS_SLOW) await record(SERIES);
  });

  it('goes on well: containerd is mended, and enforcement proved again', async () => {
    await first.configure(pause);
    await expect.poll(() => valueOf(fleet('Enforcing')), PATIENCE).toBe(WORKERS);
    expect(await valueOf(fleet('Bypassed'))).toBe(0);
    await expect.poll(alerts, PATIENCE).not.toContain('NodesealNodeBypassed worker-1');
  });

  it('goes on with break-glass, which is told of as what it is', async () => {
    expect(await valueOf(detail('Break-glass'))).toBe(0);
    await operate('break-glass', '--for', '1h', '--reason', 'a story', '--by', 'alice');
    await expect.poll(() => valueOf(detail('Break-glass')), PATIENCE).toBe(1);
    await expect.poll(alerts, PATIENCE).toContain('NodesealBreakGlassActive worker-1');
    expect(await alerts()).not.toContain('NodesealNodeBypassed worker-1');
    await operate('break-glass', '--off');
    await expect.poll(alerts, PATIENCE).not.toContain('NodesealBreakGlassActive worker-1');
    await expect.poll(() => valueOf(fleet('Enforcing')), PATIENCE).toBe(WORKERS);
  });

  it('ends with an agent that does not answer any more', async () => {
    expect(await valueOf(fleet('Unknown'))).toBe(0);
    const last = workers.at(-1) ?? first;
    await last.agent.stop();
    await expect.poll(() => valueOf(fleet('Unknown')), PATIENCE).toBe(1);
    expect(await valueOf(fleet('Enforcing'))).toBe(WORKERS - 1);
    await expect.poll(alerts, PATIENCE).toContain(`NodesealAgentDown ${last.name}`);
  });

  it.each(DASHBOARDS)('had data for every query of %s at some time', async (name) => {
    const empty: string[] = [];
    for (const { title, targets = [] } of readDashboard(name).panels) {
      for (const target of targets) {
        // What only shows that something happened is empty where nothing did: that is to be counted, too.
        const counted = { ...target, expr: target.expr.replace(/ > 0$/, '') };
        if (!(await overTime(counted)).some(hasNumbers)) empty.push(`${title}: ${target.expr}`);
      }
    }
    expect(empty).toEqual([]);
  });

  /** Some values are not numbers: 0 of 0 pulls. */
  function hasNumbers({ values }: Series): boolean {
    return values.some(([, value]) => Number.isFinite(value));
  }

  function variables(): Readonly<Record<string, string>> {
    return {
      ...{ cluster: '.*', node: 'worker-1' },
      // As Grafana has it: four scrapes or more, and all that is shown.
      ...{ __rate_interval: IS_SLOW ? '10s' : '4s', __range: `${storySeconds()}s` },
    };
  }

  function storySeconds(): number {
    return Math.ceil((Date.now() - began) / 1000);
  }

  function storyTime(): TimeRange {
    const from = Math.floor(began / 1000);
    return { from, to: from + storySeconds() };
  }

  async function overTime({ expr }: Target, time = storyTime()): Promise<readonly Series[]> {
    const step = Math.max(1, Math.floor((time.to - time.from) / STEPS));
    return prometheus.queryRange(withVariables(expr, variables()), time, step);
  }

  /** What a query of a panel answers now: values of now, or those to draw. */
  async function answerOf(target: Target, time?: TimeRange): Promise<readonly Series[]> {
    if (!target.instant) return overTime(target, time);
    return prometheus.query(withVariables(target.expr, variables()));
  }

  async function seriesOf({ targets = [] }: Panel): Promise<readonly (Series & Target)[]> {
    const answers = targets.map(async (target) =>
      (await answerOf(target)).map((series) => ({ ...target, ...series })),
    );
    return (await Promise.all(answers)).flat();
  }

  /** The least of the last values that a panel shows; NaN for none. */
  async function valueOf(panel: Panel): Promise<number> {
    const values = (await seriesOf(panel)).map((series) => series.values.at(-1)?.[1] ?? NaN);
    return values.length === 0 ? NaN : Math.min(...values);
  }

  /** What a panel calls its series: those of now, or of which it has had any value but 0. */
  async function namesOf(panel: Panel): Promise<readonly string[]> {
    const series = (await seriesOf(panel)).filter(({ values }) =>
      values.some(([, value]) => value !== 0),
    );
    return series.map(({ legendFormat, metric }) => seriesName(legendFormat, metric));
  }

  /** Those that fire, with the node where it is of one. */
  async function alerts(): Promise<readonly string[]> {
    const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
    return firing.map(({ labels: { alertname = '', node: of } }) =>
      of === undefined ? alertname : `${alertname} ${of}`,
    );
  }

  /** With what the nodes are offered at first. */
  function startWebhook(): Promise<RunningWebhook> {
    const serving = createServingCertificate([WEBHOOK_NAME], new Date(), 30 * DAY_SECONDS * 1000);
    ({ certificate } = serving);
    directory = mkdtempSync(join(tmpdir(), 'nodeseal-dashboards-'));
    const store = join(directory, 'truststore/x509/ca/acme');
    mkdirSync(store, { recursive: true });
    writeFileSync(join(store, `${key.name}.crt`), key.caPem);
    writeFileSync(join(directory, 'policy.json'), policy());
    writeFileSync(join(directory, 'tls.crt'), certificate);
    writeFileSync(join(directory, 'tls.key'), serving.key);
    return launchWebhook({
      NODESEAL_MODE: 'enforce',
      NODESEAL_POLICY_SOURCE: join(directory, 'policy.json'),
      NODESEAL_TRUSTSTORE_SOURCE: join(directory, 'truststore'),
      NODESEAL_LISTEN: '127.0.0.1:0',
      NODESEAL_WEBHOOK_LISTEN: '127.0.0.1:0',
      NODESEAL_WEBHOOK_CERTIFICATE: join(directory, 'tls.crt'),
      NODESEAL_WEBHOOK_KEY: join(directory, 'tls.key'),
    });
  }

  async function operate(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await nodeseal(node, ...args);
    expect(code, stderr).toBe(0);
  }

  async function signedImage(at: Registry, tag: string): Promise<PushedImage> {
    const image = await pushImage(at, 'app', { tag });
    await sign(at, image.pinned, { key, format: 'cose' });
    return image;
  }

  /** A part of a chapter, where somebody is to look at it: with pulls as on any day. */
  async function pace(parts = 1): Promise<void> {
    if (!IS_SLOW) return;
    const end = Date.now() + CHAPTER_MS / parts;
    while (Date.now() < end) {
      for (const { client } of workers) {
        await pullImage(client, `${registry.host}/app:1.0`);
        await delay(200);
      }
    }
  }

  /** Writes what every query answers now, of one time for all. */
  async function record(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    const time = storyTime();
    for (const name of DASHBOARDS) {
      const answers: Record<number, readonly (readonly Series[])[]> = {};
      for (const { id, targets = [] } of readDashboard(name).panels) {
        answers[id] = await Promise.all(targets.map((target) => answerOf(target, time)));
      }
      const variables = {
        Cluster: 'All',
        ...(name === 'nodeseal-node' ? { Node: first.name } : {}),
      };
      writeFileSync(`${folder}/${name}.json`, JSON.stringify({ time, variables, answers }));
    }
  }

  /** Signatures for all but what nobody signs; `tools` is where somebody changes his mind. */
  function policy(tools: 'skip' | 'strict' = 'skip'): Uint8Array {
    const [own, other] = [registry.host, frail.host];
    const signed = [`${own}/app`, `${own}/rogue`, `${other}/app`];
    const skipped = [`${own}/pause`];
    (tools === 'strict' ? signed : skipped).push(`${other}/tools`);
    return documentOf([
      statement({ registryScopes: signed, trustedIdentities: ['*'] }),
      skipStatement({ registryScopes: skipped }),
    ]);
  }
});

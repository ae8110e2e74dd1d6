// The webhook under load: 200 reviews a second of three images each, from another process than its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createServingCertificate } from '../../agent/webhook/serving-key.ts';
import { POD, reviewOf, workload } from '../../test/support/admission.ts';
import { parseExposition } from '../../test/support/exposition.ts';
import { askWebhook, TrustedRegistry, WEBHOOK_NAME } from '../../test/support/webhook.ts';
import type { Benchmark, Measurement } from './measurement.ts';
import { median, quantile } from './measurement.ts';

/** Further seconds show whether memory stays: WEBHOOK_SECONDS=600 hack/bench webhook. */
const SECONDS = Number(process.env['WEBHOOK_SECONDS'] ?? '30');
/** V8 compiles, and brings in pages of its program, for about half a minute. */
const WARM_SECONDS = Math.min(60, Math.max(5, Math.ceil(SECONDS / 6)));
const REVIEWS_PER_SECOND = 200;
const IMAGES = 60;
const IMAGES_PER_REVIEW = 3;
/** Each is verified before the clock runs: what follows is warm. */
const FIRST_REVIEWS = IMAGES / IMAGES_PER_REVIEW;
const SAMPLE_MS = 1000;
/** What is compared at both ends of the run, or a third of a shorter one. */
const END_SECONDS = Math.min(60, Math.ceil(SECONDS / 3));
/** What keeps growing doubles; what V8 does between two collections is within this. */
const MOST_GROWTH = 1.1;
const HOUR_MS = 3_600_000;
const MAIN = join(import.meta.dirname, '../../dist/nodeseal.js');

interface Started {
  readonly port: number;
  readonly healthUrl: string;
  stop(): void;
}

async function run(): Promise<readonly Measurement[]> {
  await using trusted = await TrustedRegistry.start();
  const directory = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  const serving = createServingCertificate([WEBHOOK_NAME], new Date(), HOUR_MS);
  const [certificate, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  await writeFile(certificate, serving.certificate);
  await writeFile(key, serving.key);
  const images = Array.from({ length: IMAGES }, (_, n) => trusted.push(`v${n}`, trusted.ca));
  const webhook = await start({
    ...trusted.settings,
    ...{ NODESEAL_WEBHOOK_CERTIFICATE: certificate, NODESEAL_WEBHOOK_KEY: key },
    NODESEAL_MODE: 'enforce',
  });
  // The API server keeps its connections.
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const ask = async (n: number): Promise<void> => {
    const own = Array.from(
      { length: IMAGES_PER_REVIEW },
      (_, of) => images[(n * IMAGES_PER_REVIEW + of) % IMAGES] ?? '',
    );
    const review = reviewOf(POD, workload(POD, `pod-${n}`, ...own));
    const answer = await askWebhook(webhook, review, { ca: serving.certificate, agent });
    if (!answer.allowed) throw new Error(`refused: ${answer.status?.message ?? ''}`);
  };
  try {
    for (let n = 0; n < FIRST_REVIEWS; n += 1) await ask(n);
    await load(ask, WARM_SECONDS);
    const before = await processOf(webhook);
    const loaded = load(ask, SECONDS);
    const memory = await memoryUntil(loaded, webhook);
    const latencies = await loaded;
    const after = await processOf(webhook);
    const [first, last] = [memory.slice(0, END_SECONDS), memory.slice(-END_SECONDS)];
    const perSecond = Array.from({ length: SECONDS }, (_, second) =>
      quantile(
        latencies.slice(second * REVIEWS_PER_SECOND, (second + 1) * REVIEWS_PER_SECOND),
        0.99,
      ),
    );
    return [
      { what: 'review of three images, warm', unit: 'ms', values: latencies },
      {
        ...{ what: 'p99 of each second', unit: 'ms', values: perSecond },
        target: { bound: 'at most', value: 50 },
      },
      { what: 'p99 of all', unit: 'ms', values: [quantile(latencies, 0.99)] },
      {
        ...{ what: 'processor time for each', unit: 'ms' },
        values: [((after.seconds - before.seconds) * 1000) / latencies.length],
      },
      { what: `memory, first ${END_SECONDS} s`, unit: 'MB', values: first },
      { what: `memory, last ${END_SECONDS} s`, unit: 'MB', values: last },
      {
        ...{ what: 'memory, last to first', unit: 'x', values: [median(last) / median(first)] },
        target: { bound: 'at most', value: MOST_GROWTH },
      },
    ];
  } finally {
    agent.destroy();
    webhook.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Resident megabytes, each second until the work is done. */
async function memoryUntil(work: Promise<unknown>, webhook: Started): Promise<readonly number[]> {
  const done = new AbortController();
  const end = (): void => {
    done.abort();
  };
  work.then(end, end);
  const values: number[] = [];
  do {
    values.push((await processOf(webhook)).bytes / 1e6);
    await delay(SAMPLE_MS);
  } while (!isAborted(done.signal));
  return values;
}

function isAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}

/** Asks at its own pace, however slow the answers are: what waits for its turn waits in the latency. */
async function load(
  ask: (n: number) => Promise<void>,
  seconds: number,
): Promise<readonly number[]> {
  const total = seconds * REVIEWS_PER_SECOND;
  const latencies = new Array<number>(total).fill(0);
  const startMs = performance.now();
  const asked: Promise<void>[] = [];
  for (let n = 0; n < total; n += 1) {
    const dueMs = startMs + (n * 1000) / REVIEWS_PER_SECOND;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await delay(earlyMs);
    asked.push(
      ask(n).then(() => {
        latencies[n] = performance.now() - dueMs;
      }),
    );
  }
  await Promise.all(asked);
  return latencies;
}

async function start(settings: Readonly<Record<string, string>>): Promise<Started> {
  const child = spawn(
    process.execPath,
    ['--v8-pool-size=1', '--disable-warning=ExperimentalWarning', MAIN, 'webhook'],
    {
      // As the Dockerfile has it.
      env: {
        ...{ PATH: process.env['PATH'], MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '16384' },
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; port?: number; healthPort?: number };
    if (entry.msg !== 'running') continue;
    // Its audit log goes on, and must not be waited for.
    child.stdout.resume();
    const healthUrl = `http://127.0.0.1:${entry.healthPort ?? 0}`;
    return { port: entry.port ?? 0, healthUrl, stop: () => void child.kill() };
  }
  throw new Error('the webhook ended');
}

/** What the process has used so far: of the processor, and has of memory. */
async function processOf({ healthUrl }: Started) {
  const page = await (await fetch(`${healthUrl}/metrics`)).text();
  const { samples } = parseExposition(page);
  const of = (member: string) =>
    samples.find(({ name }) => name === `process_${member}`)?.value ?? NaN;
  return { seconds: of('cpu_seconds_total'), bytes: of('resident_memory_bytes') };
}

export const WEBHOOK: Benchmark = {
  about: `${REVIEWS_PER_SECOND} reviews a second of ${IMAGES_PER_REVIEW} images for ${SECONDS} s`,
  run,
};

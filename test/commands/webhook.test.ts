// The webhook as a whole: reviews by a registry, a policy and trust that change under it.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { webhook } from '../../agent/commands/webhook.ts';
import {
  COMPARISON_PATH,
  comparisonReview,
  parseComparison,
} from '../../agent/webhook/comparison.ts';
import { patchOf, POD, reviewOf, workload } from '../support/admission.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { parseExposition } from '../support/exposition.ts';
import { EVIDENCE_KINDS, openEvidenceHost } from '../support/evidence-host.ts';
import { nodeseal, runCommand, temporaryDirectory } from '../support/front-door.ts';
import { skipStatement } from '../support/trust-policy.ts';
import {
  askWebhook,
  CertificateFiles,
  type RunningWebhook,
  startWebhook,
  TrustedRegistry,
} from '../support/webhook.ts';

const HASH = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
const WAIT = { timeout: 60_000, interval: 50 };

function podOf(...images: readonly string[]) {
  return reviewOf(POD, workload(POD, 'app', ...images));
}

async function open(settings: Readonly<Record<string, string>> = { NODESEAL_MODE: 'enforce' }) {
  const trusted = await TrustedRegistry.open();
  const files = new CertificateFiles();
  const running = await startWebhook({ ...trusted.settings, ...files.settings, ...settings });
  const ask = (body: unknown, path?: string) =>
    askWebhook(running, body, {
      ca: files.current.certificate,
      ...(path === undefined ? {} : { path }),
    });
  return { trusted, files, running, ask };
}

async function valueOf({ healthUrl }: RunningWebhook, name: string, labels: object = {}) {
  const page = await (await fetch(`${healthUrl}/metrics`)).text();
  const sample = parseExposition(page).samples.find(
    (one) =>
      one.name === `nodeseal_${name}` &&
      Object.entries(labels).every(([key, text]) => one.labels[key] === text),
  );
  return sample?.value;
}

describe('the webhook', () => {
  it('admits what is signed, refuses what is not, and tells of both', async () => {
    const { trusted, running, ask } = await open();
    const [good, bad] = [trusted.push('good', trusted.ca), trusted.push('bad')];
    expect(await ask(podOf(good))).toMatchObject({ allowed: true });
    const { allowed, status } = await ask(podOf(good, bad, good));
    expect(allowed).toBe(false);
    expect(status?.message).toMatch(
      /^nodeseal refuses 1 of 2 images:\n- container "app-1", image "127\.0\.0\.1:\d+\/app:bad", policy statement "acme": signature_missing: .* expected a Notary Project signature, found none$/,
    );
    await running.log.until('admission: ', 3);
    expect(await running.log.until('admission: deny')).toMatchObject({
      log: 'audit',
      kind: 'admission',
      ...{ reason: 'signature_missing', policy: 'acme', mode: 'enforce', admitted: false },
      ...{ name: bad, repository: trusted.repository, via: 'webhook' },
      object: { resource: 'pods', namespace: 'default', name: 'app', dryRun: false },
    });
    expect(
      await valueOf(running, 'verdicts_total', { source: 'admission', decision: 'allow' }),
    ).toBe(2);
    expect(await valueOf(running, 'verdicts_total', { reason: 'signature_missing' })).toBe(1);
    expect(await valueOf(running, 'admission_reviews_total', { outcome: 'denied' })).toBe(1);
    expect(
      await valueOf(running, 'admission_certificate_expiry_timestamp_seconds'),
    ).toBeGreaterThan(Date.now() / 1000);
    expect(await (await fetch(`${running.healthUrl}/readyz`)).text()).toBe('ready\n');
    expect(await running.stop()).toBe(0);
  });

  it('does what it is asked in a dry run, and says in its log that it was one', async () => {
    const { trusted, running, ask } = await open();
    const bad = trusted.push('bad');
    const dryRun = reviewOf(POD, workload(POD, 'app', bad), { dryRun: true });
    expect(await ask(dryRun)).toMatchObject({ allowed: false });
    expect(await running.log.until('admission: ')).toMatchObject({ object: { dryRun: true } });
  });

  it('warns in audit mode of what it would refuse, and of what is only recorded', async () => {
    const { trusted, ask } = await open({ NODESEAL_MODE: 'audit' });
    const answer = await ask(podOf(trusted.push('bad')));
    expect(answer).toMatchObject({ allowed: true });
    expect(answer.warnings).toEqual([expect.stringContaining('signature_missing')]);
  });

  it('writes digests, where that is on, of what it verified', async () => {
    const { trusted, running, ask } = await open({
      NODESEAL_MODE: 'enforce',
      NODESEAL_WEBHOOK_MUTATE: 'on',
    });
    const good = trusted.push('good', trusted.ca);
    const { digest } = trusted.registry.pushImage('app', 'good', 'good');
    const answer = await ask(podOf(good, trusted.push('bad')), '/mutate?timeout=10s');
    expect(patchOf(answer)).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: `${good}@${digest}` },
    ]);
    expect(await ask(podOf(`${good}@${digest}`))).toMatchObject({ allowed: true });
    await running.log.until('admission: ');
    expect(running.log.with('admission: ')).toHaveLength(1);
  });

  it('tells nodes what it would decide, in whatever mode, and admits nothing by that', async () => {
    const { trusted, running, ask } = await open({ NODESEAL_MODE: 'audit' });
    const opinionOn = async (image: string) => {
      const answer = await ask(comparisonReview(image), COMPARISON_PATH);
      return parseComparison(Buffer.from(JSON.stringify({ response: answer })));
    };
    const [good, bad] = [trusted.push('good', trusted.ca), trusted.push('bad')];
    const known = { policyHash: HASH, trustHash: HASH, inconclusive: false };
    expect(await opinionOn(good)).toEqual({ decision: 'allow', reason: 'verified', ...known });
    expect(await opinionOn(bad)).toEqual({
      ...{ decision: 'deny', reason: 'signature_missing', ...known },
    });
    expect(running.log.with('admission: ')).toEqual([]);
    expect(await valueOf(running, 'verdicts_total')).toBeUndefined();
    expect(await valueOf(running, 'admission_reviews_total', { path: 'compare' })).toBe(2);
  });

  it.each(EVIDENCE_KINDS)('judges by %s as a node does', async (kind, code) => {
    for (const isGood of [true, false]) {
      const directory = temporaryDirectory();
      const { image, asked } = await openEvidenceHost(directory, kind, isGood);
      const { ask } = await open({
        NODESEAL_MODE: 'enforce',
        NODESEAL_POLICY_SOURCE: join(directory, 'policy.json'),
        NODESEAL_TRUSTSTORE_SOURCE: join(directory, 'truststore'),
        NODESEAL_PLUGIN_DIR: join(directory, 'plugins'),
      });
      const { allowed, status } = await ask(podOf(image.name));
      expect(allowed, status?.message).toBe(isGood);
      if (!isGood) expect(status?.message).toContain(`: ${code}: `);
      expect(asked()).toBeGreaterThan(0);
    }
  });

  it('denies as inconclusive, in time, while the registry is down or silent', async () => {
    const { trusted, running, ask } = await open();
    const good = trusted.push('good', trusted.ca);
    const [silent] = [trusted.push('silent', trusted.ca)];
    trusted.registry.intercept = ({ path }) => path.includes('silent');
    const start = performance.now();
    const late = await ask(podOf(silent), '/validate?timeout=1s');
    expect(performance.now() - start).toBeLessThan(1000);
    expect(late.status?.message).toContain(
      'deadline_exceeded (could not be told; it may be later)',
    );
    await trusted.registry.close();
    const down = await ask(podOf(good));
    expect(down.status?.message).toContain(
      'registry_unreachable (could not be told; it may be later)',
    );
    expect(await valueOf(running, 'inconclusive_verdicts_total', { source: 'admission' })).toBe(2);
  });

  it('asks the registry for what it has seen a moment ago no more', async () => {
    const { trusted, ask } = await open();
    const good = trusted.push('good', trusted.ca);
    expect(await ask(podOf(good))).toMatchObject({ allowed: true });
    const asked = trusted.registry.requests.length;
    for (let n = 0; n < 5; n += 1) expect(await ask(podOf(good))).toMatchObject({ allowed: true });
    expect(trusted.registry.requests.length).toBe(asked);
  });

  it('judges by the policy that its file has now', async () => {
    const { trusted, ask, running } = await open();
    const bad = trusted.push('bad');
    expect(await ask(podOf(bad))).toMatchObject({ allowed: false });
    trusted.writePolicy(
      { registryScopes: ['other.example/app'] },
      skipStatement({ registryScopes: [trusted.repository] }),
    );
    await vi.waitFor(async () => {
      expect(await ask(podOf(bad))).toMatchObject({ allowed: true });
    }, WAIT);
    trusted.writePolicy({ registryScopes: [] });
    await vi.waitFor(async () => {
      expect(await valueOf(running, 'policy_valid')).toBe(0);
    }, WAIT);
    // The last good one stays in force.
    expect(await ask(podOf(bad))).toMatchObject({ allowed: true });
  });

  it('serves the certificate that its files have now, without a request that fails', async () => {
    const { trusted, files, running } = await open();
    const good = trusted.push('good', trusted.ca);
    const first = files.current.certificate;
    const second = files.renew().certificate;
    const end = new AbortController();
    let asked = 0;
    const load = async (): Promise<void> => {
      while (!end.signal.aborted) {
        expect(await askWebhook(running, podOf(good), { ca: first + second })).toMatchObject({
          allowed: true,
        });
        asked += 1;
      }
    };
    const loads = [load(), load()];
    await running.log.until('another certificate is served');
    end.abort();
    await Promise.all(loads);
    expect(asked).toBeGreaterThan(10);
    expect(await askWebhook(running, podOf(good), { ca: second })).toMatchObject({ allowed: true });
  });

  it('ends what is under way when it is stopped, and is not ready meanwhile', async () => {
    const { trusted, running, ask } = await open();
    const good = trusted.push('good', trusted.ca);
    trusted.registry.intercept = (_, response) => {
      void delay(300).then(() => response.destroy());
      return true;
    };
    const asked = ask(podOf(good));
    await vi.waitFor(() => {
      expect(trusted.registry.requests.length).toBeGreaterThan(0);
    }, WAIT);
    const stopped = running.stop();
    expect(await asked).toMatchObject({ allowed: false });
    expect(await stopped).toBe(0);
  });

  it.each([
    ['no certificate', {}],
    ['half of one', { NODESEAL_WEBHOOK_CERTIFICATE: '/tls.crt' }],
    ['half of its own', { NODESEAL_WEBHOOK_SECRET: 'a/b', NODESEAL_WEBHOOK_HOSTS: 'a.b.svc' }],
    ['a malformed name', { NODESEAL_WEBHOOK_SECRET: 'b' }],
  ])('does not run with %s', async (_, settings) => {
    await expectCodeAsync(runCommand(webhook, [], settings), 'setting_invalid');
  });

  it('does not run outside a cluster with a certificate of its own', async () => {
    const settings = {
      NODESEAL_WEBHOOK_SECRET: 'a/b',
      NODESEAL_WEBHOOK_CONFIGURATION: 'a',
      NODESEAL_WEBHOOK_HOSTS: 'a.b.svc',
    };
    await expectCodeAsync(runCommand(webhook, [], settings), 'kubernetes_failed');
  });

  it('says what it is for', async () => {
    const { code, stdout } = await nodeseal(['webhook', '--help']);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('/validate');
  });
});

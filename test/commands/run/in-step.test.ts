import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, SYSTEM_CLOCK } from '../../../agent/audit/clock.ts';
import { FollowedHost } from '../../../agent/commands/run/followed-host.ts';
import { InStep } from '../../../agent/commands/run/in-step.ts';
import { parseConfig } from '../../../agent/config.ts';
import { createMetrics } from '../../../agent/metrics/metrics.ts';
import { DEFAULT_BIN_DIR } from '../../../agent/node/host/layout.ts';
import { InForce } from '../../../agent/verifier/in-force.ts';
import {
  AgentHost,
  CERTIFICATE,
  IS_ROOT,
  POLICY,
  policyNamed,
  VERIFIER,
} from '../../support/agent-host.ts';
import { createCa } from '../../support/ca.ts';
import { parseExposition } from '../../support/exposition.ts';
import { put, snapshot } from '../../support/host-root.ts';
import { LogLines } from '../../support/log-lines.ts';
import { NO_SOURCES } from '../../support/metric-sources.ts';

const IN_FORCE = 'policy and trust are in force';
const REFUSED = 'the host was left as it is: ';
const DRIFT = 'others touched our files on the host';
const SETTINGS = 'opt/nodeseal/verifier.json';
const BIN_DIR = dirname(VERIFIER);
const MOVED = 'srv/verifiers/nodeseal-verifier';
/** Between two cheap looks at the host. */
const TOUCH_MS = 2000;
const other = createCa({ name: 'Other' });

/** Keeps a host in step; what runs ends with the test. */
function open(host: AgentHost, settings: Record<string, string> = {}, isQuick = false) {
  const config = parseConfig({ ...host.settings(), ...settings });
  const log = new LogLines();
  const metrics = createMetrics(NO_SOURCES);
  const own = new FollowedHost(config, { binDirs: [DEFAULT_BIN_DIR], installed: [] });
  const inForce = new InForce(own.now.policyFile, own.now.truststoreDir);
  const changes = { count: 0 };
  const touches = { count: 0 };
  const settled = Promise.withResolvers<undefined>();
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    sleep: (ms, signal) => {
      if (ms < TOUCH_MS) return SYSTEM_CLOCK.sleep(ms, signal);
      // The watches are set, and what they were late for has been looked at.
      if (looks++ > 0) settled.resolve(undefined);
      return SYSTEM_CLOCK.sleep(isQuick ? 20 : ms, signal);
    },
  };
  let looks = 0;
  const inStep = new InStep({
    ...{ config, host: own, inForce, metrics, clock },
    log: pino({ base: null }, log),
    onChange: () => (changes.count += 1),
    onTouch: () => (touches.count += 1),
  });
  /** Follows until the test ends; resolves once only an event can wake it. */
  const follow = () => {
    const stop = new AbortController();
    const following = inStep.follow(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await following;
    });
    return settled.promise;
  };
  const value = async (name: string, labels = {}) =>
    parseExposition(await metrics.render()).samples.find(
      (sample) =>
        sample.name === `nodeseal_${name}` &&
        Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    )?.value;
  const statements = async () => (await inForce.policy()).statements.map(({ name }) => name);
  return { inStep, own, inForce, log, changes, touches, follow, value, statements };
}

describe.runIf(IS_ROOT)('a step', () => {
  it('installs the sources and puts them in force; the next finds nothing to do', async () => {
    const host = new AgentHost();
    const { inStep, log, changes, value, statements } = open(host);
    await inStep.step();
    expect(inStep.fault).toBeUndefined();
    expect(await statements()).toEqual(['first']);
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    await inStep.step();
    expect(changes.count).toBe(1);
    expect(log.with('the host was changed')).toHaveLength(1);
    expect(await value('policy_generation')).toBe(1);
    expect(await value('policy_valid')).toBe(1);
    expect(await value('truststore_certificates')).toBe(1);
    expect(await value('verifier_installed')).toBe(1);
  });

  it.each([
    [
      'policy',
      'policy_invalid',
      (host: AgentHost) => host.policySource.swap({ 'policy.json': '{' }),
    ],
    [
      'truststore',
      'truststore_invalid',
      (host: AgentHost) => host.trustSource.swap({ 'x509/ca/acme/root.pem': 'junk' }),
    ],
  ])(
    'installs nothing from a bad %s on a host that never had a good one',
    async (noun, code, spoil) => {
      const host = new AgentHost();
      spoil(host);
      const { inStep, inForce, log, changes, value } = open(host);
      await inStep.step();
      expect(snapshot(host.root)).toEqual({});
      expect(inStep.fault?.code).toBe(code);
      expect([inForce.isUsable, changes.count]).toEqual([false, 0]);
      expect(await value(`${noun}_valid`)).toBe(0);
      expect(await value('verifier_installed')).toBe(0);
      await inStep.step();
      expect(log.with(REFUSED)).toHaveLength(1);
      expect(await value('errors_total', { code })).toBe(1);
    },
  );

  it('puts the verifier where containerd looks, and takes it away only once that is in force', async () => {
    const host = new AgentHost();
    const { inStep, own, log } = open(host);
    await inStep.step();
    const present = () => [VERIFIER, MOVED].map((path) => existsSync(host.at(path)));
    own.follow({ path: '/srv/verifiers', isInForce: false });
    await inStep.step();
    expect(present()).toEqual([true, true]);
    // What is offered may be bad: the verifier moves all the same.
    host.policySource.swap({ 'policy.json': '{' });
    own.follow({ path: '/srv/verifiers', isInForce: true });
    await inStep.step();
    expect(present()).toEqual([false, true]);
    expect(log.with(DRIFT)).toEqual([]);
  });

  it('takes steps one after the other, whoever asks', async () => {
    const host = new AgentHost();
    const { inStep, log } = open(host);
    await Promise.all([inStep.step(), inStep.step(), inStep.step()]);
    expect(inStep.fault).toBeUndefined();
    expect(log.with('the host was changed')).toHaveLength(1);
  });

  it('keeps the last good generation when the next is bad in any part, and says so once', async () => {
    const host = new AgentHost();
    const { inStep, log, changes, value, statements } = open(host);
    await inStep.step();
    const before = readFileSync(host.at(POLICY));
    host.policySource.swap({ 'policy.json': policyNamed('second') });
    host.trustSource.swap({ 'x509/ca/acme/root.pem': 'junk' });
    for (let times = 0; times < 3; times++) await inStep.step();
    expect(readFileSync(host.at(POLICY))).toEqual(before);
    expect(await statements()).toEqual(['first']);
    expect([log.with(REFUSED).length, changes.count]).toEqual([1, 1]);
    expect(await value('truststore_valid')).toBe(0);
    expect(await value('errors_total', { code: 'truststore_invalid' })).toBe(1);
    // What is on the host still does its work.
    expect(await value('verifier_installed')).toBe(1);
    host.trustSource.swap({ 'x509/ca/acme/root.pem': other.root.pem });
    await inStep.step();
    expect(inStep.fault).toBeUndefined();
    expect(await statements()).toEqual(['second']);
    expect(await value('truststore_valid')).toBe(1);
    expect(await value('policy_generation')).toBe(2);
  });

  it('knows the verifier of an earlier agent, though today’s sources are bad', async () => {
    const host = new AgentHost();
    await open(host).inStep.step();
    host.policySource.swap({ 'policy.json': '{' });
    const { inStep, value, statements } = open(host);
    await inStep.step();
    expect(await statements()).toEqual(['first']);
    expect(await value('verifier_installed')).toBe(1);
    expect(await value('policy_valid')).toBe(0);
  });

  it('says another fault when there is another', async () => {
    const host = new AgentHost();
    const { inStep, log } = open(host);
    host.policySource.swap({ 'policy.json': '{' });
    await inStep.step();
    host.policySource.swap({ 'policy.json': '[]' });
    await inStep.step();
    expect(log.with(REFUSED)).toHaveLength(2);
  });
});

describe.runIf(IS_ROOT)('what others do to the host', () => {
  it('counts by place and kind, and is put back', async () => {
    const host = new AgentHost();
    const { inStep, log, touches, value } = open(host);
    await inStep.step();
    expect(await value('host_drift_total', { place: 'verifier', kind: 'removed' })).toBe(0);
    const before = snapshot(host.root);
    rmSync(host.at(VERIFIER));
    writeFileSync(host.at(POLICY), '{}');
    chmodSync(host.at(CERTIFICATE), 0o666);
    chmodSync(host.at('opt/nodeseal'), 0o777);
    await inStep.step();
    expect(snapshot(host.root)).toEqual(before);
    for (const [place, kind] of [
      ['verifier', 'removed'],
      ['policy', 'changed'],
      ['trust', 'attributes'],
      ['directory', 'attributes'],
    ] as const) {
      expect(await value('host_drift_total', { place, kind })).toBe(1);
    }
    expect(log.with(DRIFT)).toHaveLength(1);
    expect(touches.count).toBe(1);
    await inStep.step();
    expect(await value('host_drift_total', { place: 'verifier', kind: 'removed' })).toBe(1);
    expect(touches.count).toBe(1);
  });

  it('counts once, and is a fault, while it cannot be put back', async () => {
    const host = new AgentHost();
    const { inStep, log, value } = open(host);
    await inStep.step();
    rmSync(host.at(POLICY));
    put(host.root, `${POLICY}/theirs`, 'kept');
    for (let times = 0; times < 3; times++) await inStep.step();
    expect(inStep.fault?.code).toBe('host_write_failed');
    expect(inStep.fault?.message).toContain(`/${POLICY}`);
    expect(readFileSync(host.at(`${POLICY}/theirs`), 'utf8')).toBe('kept');
    expect(await value('host_drift_total', { place: 'policy', kind: 'replaced' })).toBe(1);
    expect(log.with(DRIFT)).toHaveLength(1);
    rmSync(host.at(POLICY), { recursive: true });
    await inStep.step();
    expect(inStep.fault).toBeUndefined();
  });

  it('is put back to the last good generation while the sources are refused', async () => {
    const host = new AgentHost();
    const { inStep, value } = open(host);
    await inStep.step();
    host.policySource.swap({ 'policy.json': '{' });
    rmSync(host.at(VERIFIER));
    writeFileSync(host.at(POLICY), policyNamed('theirs'));
    await inStep.step();
    expect(inStep.fault?.code).toBe('policy_invalid');
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    expect(readFileSync(host.at(POLICY))).toEqual(Buffer.from(policyNamed('first')));
    expect(await value('policy_valid')).toBe(0);
    expect(await value('verifier_installed')).toBe(1);
  });

  it('is put back by the next agent too, to the generation on the host, while the sources are refused', async () => {
    const host = new AgentHost();
    await open(host).inStep.step();
    host.policySource.swap({ 'policy.json': '{' });
    rmSync(host.at(VERIFIER));
    const { inStep, statements } = open(host);
    await inStep.step();
    expect(inStep.fault?.code).toBe('policy_invalid');
    expect(existsSync(host.at(VERIFIER))).toBe(true);
    expect(await statements()).toEqual(['first']);
  });

  it.each([
    ['a mode', (host: AgentHost) => chmodSync(host.at(VERIFIER), 0o644)],
    ['an owner', (host: AgentHost) => chownSync(host.at(POLICY), 1, 1)],
    ['a link instead of a file', linkInstead],
    ['the settings', (host: AgentHost) => writeFileSync(host.at(SETTINGS), '{}')],
    ['bin_dir', (host: AgentHost) => rmSync(host.at(BIN_DIR), { recursive: true })],
  ])('is noticed without any notification: %s', async (_, touch) => {
    const host = new AgentHost();
    const { inStep, log, touches, follow } = open(host, {}, true);
    await inStep.step();
    await follow();
    const before = snapshot(host.root);
    touch(host);
    await log.until(DRIFT);
    await expect.poll(() => snapshot(host.root)).toEqual(before);
    expect(touches.count).toBeGreaterThan(0);
  });

  it('is told also when it is another file in bin_dir, which stays', async () => {
    const host = new AgentHost();
    const { inStep, log, touches, follow } = open(host, {}, true);
    await inStep.step();
    await follow();
    const before = touches.count;
    put(host.root, `${BIN_DIR}/other`, 'theirs');
    await expect.poll(() => touches.count).toBeGreaterThan(before);
    expect(existsSync(host.at(`${BIN_DIR}/other`))).toBe(true);
    expect(log.with(DRIFT)).toEqual([]);
  });
});

function linkInstead(host: AgentHost): void {
  rmSync(host.at(POLICY));
  symlinkSync('/dev/null', host.at(POLICY));
}

describe.runIf(IS_ROOT)('following', () => {
  it('notices one swap of a ConfigMap after the other', async () => {
    const host = new AgentHost();
    const { inStep, log, follow, statements } = open(host);
    await inStep.step();
    await follow();
    for (const [index, name] of ['second', 'third'].entries()) {
      host.policySource.swap({ 'policy.json': policyNamed(name) });
      await log.until(IN_FORCE, index + 2);
      expect(await statements()).toEqual([name]);
      expect(readFileSync(host.at(POLICY))).toEqual(Buffer.from(policyNamed(name)));
    }
    host.trustSource.swap({ 'x509/ca/acme/root.pem': other.root.pem });
    await log.until(IN_FORCE, 4);
    expect(readFileSync(host.at(CERTIFICATE), 'utf8')).toBe(other.root.pem);
  });

  it('refuses a bad swap and takes the good one after it', async () => {
    const host = new AgentHost();
    const { inStep, log, follow, statements } = open(host);
    await inStep.step();
    await follow();
    host.policySource.swap({ 'policy.json': '{' });
    expect(await log.until(REFUSED)).toMatchObject({ code: 'policy_invalid' });
    expect(await statements()).toEqual(['first']);
    host.policySource.swap({ 'policy.json': policyNamed('second') });
    await log.until(IN_FORCE, 2);
    expect(await statements()).toEqual(['second']);
  });

  it('notices what changed before it watched', async () => {
    const host = new AgentHost();
    const { inStep, log, follow, statements } = open(host);
    await inStep.step();
    host.policySource.swap({ 'policy.json': policyNamed('second') });
    void follow();
    await log.until(IN_FORCE, 2);
    expect(await statements()).toEqual(['second']);
  });

  it('puts back what others changed or removed on the host', async () => {
    const host = new AgentHost();
    const { inStep, log, follow } = open(host);
    await inStep.step();
    await follow();
    writeFileSync(host.at(POLICY), policyNamed('theirs'));
    expect(await log.until('the host was changed', 2)).toMatchObject({ changed: [`/${POLICY}`] });
    expect(readFileSync(host.at(POLICY))).toEqual(Buffer.from(policyNamed('first')));
  });

  it('puts back the verifier when others remove it', async () => {
    const host = new AgentHost();
    const { inStep, log, follow } = open(host);
    await inStep.step();
    await follow();
    rmSync(host.at(VERIFIER));
    expect(await log.until('the host was changed', 2)).toMatchObject({ changed: [`/${VERIFIER}`] });
    expect(existsSync(host.at(VERIFIER))).toBe(true);
  });

  it('follows the host’s own files where no source is set', async () => {
    const host = new AgentHost();
    put(host.root, POLICY, Buffer.from(policyNamed('own')).toString());
    put(host.root, CERTIFICATE, other.root.pem);
    const unset = { NODESEAL_POLICY_SOURCE: '', NODESEAL_TRUSTSTORE_SOURCE: '' };
    const { inStep, log, follow, statements } = open(host, unset);
    await inStep.step();
    expect(await statements()).toEqual(['own']);
    await follow();
    put(host.root, POLICY, '{');
    expect(await log.until(REFUSED)).toMatchObject({ code: 'policy_invalid' });
    expect(await statements()).toEqual(['own']);
    put(host.root, POLICY, Buffer.from(policyNamed('own2')).toString());
    await log.until(IN_FORCE, 2);
    expect(await statements()).toEqual(['own2']);
  });
});

// The status of a node, asked of an agent: what a person reads, what programs read, and the exit code.
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Status, type StatusParts } from '../../agent/commands/run/status.ts';
import { status } from '../../agent/commands/status.ts';
import { parseStatusDocument } from '../../agent/commands/status-document.ts';
import { describeStatus } from '../../agent/commands/status-report.ts';
import { causeOf } from '../../agent/enforcement/causes.ts';
import type { EnforcementState } from '../../agent/enforcement/state.ts';
import { startMetricsServer } from '../../agent/metrics/server.ts';
import { encodeBreakGlass } from '../../agent/pull/break-glass.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { runCommand } from '../support/front-door.ts';
import { createHostRoot, put } from '../support/host-root.ts';
import { valueOrAgentError } from '../support/only-agent-errors.ts';

const NOW = new Date();
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const DAY = 86_400;
const HASH = 'ab'.repeat(32);

function partsOf(change: Partial<StatusParts> = {}): StatusParts {
  const loaded = { generation: 1, loadedAt: ago(3 * DAY) };
  return {
    version: '1.2.3',
    now: () => NOW,
    mode: 'enforce',
    breakGlass: () => ({ state: 'absent' }),
    problems: () => [],
    enforcement: () => ({ state: 'enforcing', causes: [], provedAt: ago(1500) }),
    policy: () => ({ hash: HASH, ...loaded }),
    trust: () => ({
      ...{ hash: HASH, ...loaded },
      nextExpiry: { at: ago(-90 * DAY - 60), subject: 'CN=acme' },
    }),
    inventory: () => ({
      images: [
        { state: 'verified', cause: 'pulled', count: 6 },
        { state: 'verified', cause: 'imported', count: 1 },
      ],
      containers: [{ state: 'verified', count: 4 }],
    }),
    journalLagSeconds: () => 0.25,
    verifierFile: () => '/nowhere/nodeseal-verifier',
    isInStep: () => true,
    ...change,
  };
}

const inState = (state: EnforcementState): Partial<StatusParts> => ({
  enforcement: () => ({
    state,
    causes: state === 'enforcing' ? [] : [causeOf('pull_fallback')],
    provedAt: null,
  }),
});

/** An agent's server; the settings to ask it with. */
async function serve(report: () => Promise<object> | object): Promise<Record<string, string>> {
  const server = await startMetricsServer({
    ...{ host: '127.0.0.1', port: 0 },
    metrics: { render: () => Promise.resolve(''), contentType: 'text/plain' },
    ready: () => ({ ready: true, reasons: [] }),
    page: () => '',
    report,
    onError: () => undefined,
  });
  onTestFinished(() => server.close());
  return { NODESEAL_LISTEN: `0.0.0.0:${server.port}` };
}

const ask = (settings: Record<string, string>, ...args: string[]) =>
  runCommand(status, args, settings);

describe('nodeseal status', () => {
  it('shows a good node on one screen', async () => {
    const settings = await serve(() => new Status(partsOf()).report());
    const { code, stdout } = await ask(settings);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'enforcing',
      '',
      'mode         enforce',
      'break-glass  none',
      '',
      'last proof   25 min ago',
      'verifier     none at /nowhere/nodeseal-verifier',
      'policy       abababababab, in force for 3 d',
      'trust        abababababab, in force for 3 d',
      'next expiry  in 90 d, CN=acme',
      'images       7: 7 verified; 1 imported',
      'running      4: 4 verified',
      'journal      0.3 s behind',
      'agent        1.2.3',
      '',
    ]);
  });

  it('shows first what is wrong, and under it what to do', async () => {
    const order = { until: ago(-3600), reason: 'registry is down', by: 'alice' };
    const parts = partsOf({
      ...inState('bypassed'),
      mode: 'audit',
      breakGlass: () => ({ state: 'active', ...order }),
      problems: () => ['no trust policy is in force'],
    });
    const { code, stdout } = await ask(await serve(() => new Status(parts).report()));
    expect(code).toBe(1);
    const { message, remedy } = causeOf('pull_fallback');
    expect(stdout.split('\n').slice(0, 7)).toEqual([
      'bypassed',
      `  • ${message}`,
      `  → ${remedy}`,
      '  ! no trust policy is in force',
      '',
      'mode         audit',
      expect.stringContaining('by alice: registry is down'),
    ]);
  });

  it.each([
    ['enforcing', 0],
    ['bypassed', 1],
    ['unknown', 1],
  ] as const)(
    'tells programs the same of a node that is %s, and exits with %i',
    async (state, code) => {
      const settings = await serve(() => new Status(partsOf(inState(state))).report());
      const ended = await ask(settings, '--output', 'json');
      expect(ended.code).toBe(code);
      expect(JSON.parse(ended.stdout)).toMatchObject({ enforcement: { state }, mode: 'enforce' });
    },
  );

  it('prints nothing that could command a terminal', async () => {
    const hostile = '\u001b[2J\nenforcing\u202e';
    const parts = partsOf({
      breakGlass: () => ({ state: 'active', until: NOW, reason: hostile, by: hostile }),
      trust: () => ({
        ...{ hash: HASH, generation: 1, loadedAt: NOW },
        nextExpiry: { at: NOW, subject: hostile },
      }),
    });
    const settings = await serve(() => new Status(parts).report());
    for (const args of [[], ['--output', 'json']]) {
      const { stdout } = await ask(settings, ...args);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/(?! )[\p{C}\p{Z}]/u);
    }
    expect((await ask(settings)).stdout.split('\n')).toHaveLength(15);
  });

  it('tells what the host alone can where no agent answers', async () => {
    const root = createHostRoot();
    const settings = { NODESEAL_HOST_ROOT: root, NODESEAL_LISTEN: '127.0.0.1:1' };
    const empty = await ask(settings);
    expect(empty.code).toBe(2);
    expect(empty.stdout).toContain('the agent does not answer at http://127.0.0.1:1/status.json');
    expect(empty.stdout).toContain('verifier     none at /opt/containerd');
    expect(empty.stdout).toContain('policy       policy_missing: ');

    put(root, 'opt/containerd/image-verifier/bin/nodeseal-verifier', 'program');
    put(root, 'opt/nodeseal/verifier.json', '{"mode":"audit"}');
    const order = { until: ago(-3600), reason: 'registry is down', by: 'alice' };
    put(root, 'run/nodeseal/break-glass.json', encodeBreakGlass(order));
    const json = await ask(settings, '--output', 'json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'agent_unavailable' },
      host: {
        verifier: expect.stringContaining('judges pulls by itself') as unknown,
        mode: 'audit',
        breakGlass: expect.stringContaining('by alice') as unknown,
      },
    });
    put(root, 'opt/nodeseal/verifier.json', '{"mode":');
    expect((await ask(settings)).stdout).toContain('mode         setting_invalid: ');
  });

  it.each([
    ['an error', () => Promise.reject(new Error('ledger'))],
    ['too much', () => ({ text: 'x'.repeat(2 * 1024 * 1024) })],
  ])('takes no word of an agent that answers %s', async (_, report) => {
    const settings = { ...(await serve(report)), NODESEAL_HOST_ROOT: createHostRoot() };
    expect(await ask(settings)).toMatchObject({ code: 2 });
  });

  it('says so when another version answers', async () => {
    const settings = await serve(() => ({ version: '0.1.0', enforcement: { state: 'enforcing' } }));
    await expectCodeAsync(ask(settings), 'agent_unavailable');
  });
});

it('reads a status as a value or throws an error of ours, whatever it is', async () => {
  const good = JSON.parse(JSON.stringify(await new Status(partsOf()).report())) as object;
  expect(parseStatusDocument(good)).toMatchObject({ state: 'enforcing', version: '1.2.3' });
  const keys = fc.constantFrom(...Object.keys(good));
  fc.assert(
    fc.property(keys, fc.jsonValue(), (key, value) => {
      valueOrAgentError(() => parseStatusDocument({ ...good, [key]: value }));
    }),
  );
});

it('colours the state on a terminal, and wraps under what it belongs to', async () => {
  const report: unknown = JSON.parse(
    JSON.stringify(await new Status(partsOf(inState('bypassed'))).report()),
  );
  const document = parseStatusDocument(report);
  const text = describeStatus(document, NOW, { columns: 60, colours: true });
  expect(text.startsWith('\u001b[1m\u001b[31mbypassed')).toBe(true);
  const plain = describeStatus(document, NOW, { columns: 60, colours: false });
  for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
});

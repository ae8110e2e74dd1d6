import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  nodeseal,
  npmRunNodeseal,
  startNodeseal,
  temporaryDirectory,
} from './support/front-door.ts';
import { startTestRegistry } from './support/registry.ts';
import { documentOf, skipStatement, statement } from './support/trust-policy.ts';

const COMMANDS = ['run', 'install', 'uninstall', 'verify', 'policy check', 'audit', 'version'];

/** Files that let `verify` come to a verdict without a registry. */
function skipping(): readonly string[] {
  const directory = temporaryDirectory();
  const policy = join(directory, 'policy.json');
  writeFileSync(policy, documentOf([statement(), skipStatement()]));
  return ['--policy', policy, '--truststore', directory];
}

describe('the front door', () => {
  it.each([[], ['--help'], ['-h'], ['help']])('lists every command with %j', async (...args) => {
    const { code, stdout, stderr } = await nodeseal(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.each(COMMANDS)('explains %s', async (name) => {
    const { code, stdout, stderr } = await nodeseal([...name.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: nodeseal ${name}`));
  });

  it.each([
    [['frobnicate'], '"frobnicate"'],
    [['policy'], '"policy"'],
    [['policy', 'chek', 'file'], '"policy chek"'],
    [['constructor'], '"constructor"'],
    [['verify', 'example.io/app:1', '--frob'], '--frob'],
    [
      ['verify', 'example.io/app:1', '--policy', '--truststore'],
      "'--policy' argument is ambiguous. Did you",
    ],
    [['version', '--\u001b[2J'], '\\u{1b}[2J'],
    [['version', 'now'], '"now"'],
  ])('refuses %j in one clear sentence', async (args, named) => {
    const { code, stdout, stderr } = await nodeseal(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^nodeseal: argument_invalid: [^\n]+\n$/);
    expect(stderr).toContain(named);
  });

  it('tells its version', async () => {
    const [short, long] = await Promise.all([nodeseal(['version']), nodeseal(['--version'])]);
    expect(short).toEqual(long);
    expect(short.stdout).toMatch(/^nodeseal \d+\.\d+\.\d+\S* \(node v24\.\S+\)\n$/);
  });

  it('exits with 0, 1 and 2 for allow, deny and could not run', async () => {
    const options = skipping();
    const refs = ['example.io/unsigned:1', 'example.io/other:1', 'example.io/Not Valid'];
    const ends = await Promise.all(refs.map((ref) => nodeseal(['verify', ref, ...options])));
    expect(ends.map(({ code }) => code)).toEqual([0, 1, 2]);
    // The decision is the last line.
    const lasts = ends.map(({ stdout }) => stdout.trim().split('\n').at(-1)?.split(' ')[0]);
    expect(lasts).toEqual(['allow', 'deny', '']);
    expect(ends[2]?.stderr).toMatch(/^nodeseal: argument_invalid: [^\n]+\n$/);
  });

  it('writes no colour to what is no terminal', async () => {
    const { stdout } = await nodeseal(['verify', 'example.io/unsigned:1', ...skipping()]);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints nothing but JSON through npm', async () => {
    const args = ['verify', 'example.io/unsigned:1', ...skipping(), '--output', 'json'];
    const { code, stdout, stderr } = await npmRunNodeseal(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'allow', reason: 'skipped_by_policy' });
  });

  it('passes exit codes through npm', async () => {
    const args = ['verify', 'example.io/other:1', ...skipping(), '--output', 'json'];
    const { code, stdout } = await npmRunNodeseal(args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ reason: 'policy_not_applicable' });
  });
});

describe('a signal', () => {
  const kept = { NODE_OPTIONS: '--import=data:text/javascript,setInterval(()=>{},1e9)' };
  it.each([
    ['ends a verification that waits for its registry', {}],
    ['ends it although something that a library left open keeps the process', kept],
  ])('%s', async (_, environment) => {
    const registry = await startTestRegistry();
    onTestFinished(() => registry.close());
    const asked = Promise.withResolvers<undefined>();
    registry.intercept = () => {
      asked.resolve(undefined);
      return true;
    };
    const directory = temporaryDirectory();
    const policy = join(directory, 'policy.json');
    writeFileSync(policy, documentOf([statement({ registryScopes: ['*'] })]));
    const ref = `${registry.host}/team/app:1`;
    const child = startNodeseal(
      ['verify', ref, '--policy', policy, '--truststore', directory],
      environment,
    );
    await asked.promise;
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(1);
  });
});

describe('an agent that cannot start', () => {
  it('names all faults of its settings in one sentence', async () => {
    const { code, stdout, stderr } = await nodeseal(['run'], {
      NODESEAL_LISTEN: 'here',
      NODESEAL_LOGLEVEL: 'debug',
      NODESEAL_REVERIFY_INTERVAL: '1',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^nodeseal: setting_invalid: [^\n]+\n$/);
    for (const name of ['LISTEN', 'LOGLEVEL', 'REVERIFY_INTERVAL']) {
      expect(stderr).toContain(`NODESEAL_${name}: `);
    }
  });

  it('names the port that another has', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('expected a port');
    const directory = temporaryDirectory();
    const { code, stderr } = await nodeseal(['run'], {
      NODESEAL_HOST_ROOT: directory,
      NODESEAL_STATE_DIR: join(directory, 'state'),
      NODESEAL_LISTEN: `127.0.0.1:${address.port}`,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^nodeseal: setting_invalid: [^\n]+\n$/);
    expect(stderr).toContain(String(address.port));
  });

  it('says that its ledger is none', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'ledger.sqlite'), 'no database, but long enough '.repeat(50));
    const { code, stderr } = await nodeseal(['run'], {
      NODESEAL_HOST_ROOT: directory,
      NODESEAL_STATE_DIR: directory,
      NODESEAL_LISTEN: '127.0.0.1:0',
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^nodeseal: ledger_failed: [^\n]+\n$/);
  });

  it('ends although it serves already, when the socket for pulls cannot be made', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'occupied'), '');
    const { code, stderr } = await nodeseal(['run'], {
      NODESEAL_HOST_ROOT: directory,
      NODESEAL_STATE_DIR: join(directory, 'state'),
      NODESEAL_LISTEN: '127.0.0.1:0',
      NODESEAL_AGENT_SOCKET: '/occupied/agent.sock',
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^nodeseal: host_write_failed: [^\n]+\n$/);
  });
});

// Plugins as real processes: good ones, and those that lie, flood, hang, die and leave children behind.
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../../agent/errors.ts';
import { judgePlugin } from '../../../agent/notation/plugin/judgement.ts';
import { createPluginSource } from '../../../agent/verifier/plugins/plugin-source.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import {
  ANSWER,
  goodMetadata,
  installPlugin,
  PLUGIN_NAME,
  PLUGIN_VERSION,
  type PluginConduct,
} from '../../support/verification-plugin.ts';
import {
  BOTH,
  pluginAttributes,
  requestOf,
  REVOCATION_CHECK,
  signatureOf,
  TRUSTED_IDENTITY,
} from '../../notation/plugin/fixture.ts';
import { expectGone, pluginsDirectory, stateOf } from './fixture.ts';

const patient = new AbortController().signal;
/** Long enough for a program to start on a busy machine; short, because some tests wait for it. */
const TIMEOUT_MS = 3_000;

const directory = pluginsDirectory();

const find = (
  { minVersion, signal = patient }: { minVersion?: string; signal?: AbortSignal } = {},
  limits: { timeoutMs?: number; maxResponseBytes?: number } = {},
) => createPluginSource({ directory: directory(), limits }).find(PLUGIN_NAME, minVersion, signal);

const verify = async (signal = patient, limits = {}) =>
  (await find({}, limits)).verify(requestOf(), signal);

describe('a good plugin', () => {
  it('is found, and tells what it can do', async () => {
    const plugin = installPlugin(directory());
    const found = await find({ minVersion: PLUGIN_VERSION });
    expect(found).toMatchObject({ name: PLUGIN_NAME, version: PLUGIN_VERSION });
    expect(found.capabilities).toEqual(new Set(BOTH));
    const [call, ...more] = plugin.calls();
    expect(call).toMatchObject({ arguments: ['get-plugin-metadata'], request: {}, directory: '/' });
    expect(more).toEqual([]);
  });

  it('is asked, and answers', async () => {
    const plugin = installPlugin(directory());
    const signature = signatureOf(pluginAttributes({ 'com.example.job': 'a "quoted" name' }));
    const found = await find();
    const result = await found.verify(requestOf({ signature }), patient);
    expect(judgePlugin(PLUGIN_NAME, signature.extended, result)).toEqual({
      authenticity: expect.stringContaining('it is fine') as unknown,
      revocation: expect.stringContaining('it is fine') as unknown,
    });
    expect(plugin.calls()[1]).toMatchObject({
      arguments: ['verify-signature'],
      request: {
        contractVersion: '1.0',
        signature: { unprocessedAttributes: ['com.example.job'] },
      },
    });
  });

  it('is asked again each time, and not from memory', async () => {
    installPlugin(directory());
    const source = createPluginSource({ directory: directory() });
    expect((await source.find(PLUGIN_NAME, undefined, patient)).version).toBe(PLUGIN_VERSION);
    const members = { version: '2.0.0' };
    installPlugin(directory(), { metadata: { kind: 'answer', members } });
    expect((await source.find(PLUGIN_NAME, undefined, patient)).version).toBe('2.0.0');
  });

  it('may log a lot', async () => {
    const talk = { kind: 'talk', bytes: 1_000_000 } as const;
    installPlugin(directory(), { metadata: talk, verify: talk });
    expect((await verify()).findings.size).toBe(2);
  });

  it('may read a long request, and may not', async () => {
    const long = pluginAttributes({ 'com.example.long': 'x'.repeat(500_000) });
    const request = requestOf({ signature: signatureOf(long) });
    installPlugin(directory());
    expect((await (await find()).verify(request, patient)).processedAttributes.size).toBe(1);
    const { path } = installPlugin(directory());
    const plugin = await find();
    writeFileSync(path, '#!/bin/sh\necho "{}"\n');
    await expectCodeAsync(plugin.verify(request, patient), 'plugin_invalid');
  });

  it('gets none of our secrets', async () => {
    process.env['NODESEAL_TEST_SECRET'] = 'x';
    const plugin = installPlugin(directory());
    await find().finally(() => delete process.env['NODESEAL_TEST_SECRET']);
    const { environment } = plugin.calls()[0] ?? {};
    expect(environment).toHaveProperty('PATH');
    expect(environment).not.toHaveProperty('NODESEAL_TEST_SECRET');
  });

  it('leaves no zombie', async () => {
    const plugin = installPlugin(directory());
    await verify();
    expect(plugin.calls().map(({ pid }) => stateOf(pid))).toEqual(['gone', 'gone']);
  });
});

describe('a plugin that is against a signature', () => {
  const against = (capability: string) => {
    const finding = { success: false, reason: 'not from us' };
    const good = { success: true };
    const results = { [TRUSTED_IDENTITY]: good, [REVOCATION_CHECK]: good, [capability]: finding };
    return answer({ verificationResults: results });
  };

  it.each([
    ['identity', TRUSTED_IDENTITY, 'authenticity'],
    ['revocation', REVOCATION_CHECK, 'revocation'],
  ] as const)('for its %s says so', async (_, capability, validation) => {
    installPlugin(directory(), { verify: against(capability) });
    const judgement = judgePlugin(PLUGIN_NAME, [], await verify());
    const { [validation]: refused, ...others } = judgement;
    expect(refused).toBeInstanceOf(AgentError);
    expect(refused).toMatchObject({ code: 'plugin_refused' });
    expect(Object.values(others)).toEqual([expect.any(String)]);
  });

  it('by not processing what is critical leaves it unverified', async () => {
    installPlugin(directory(), { verify: answer({ processedAttributes: [] }) });
    const signature = signatureOf(pluginAttributes({ 'com.example.job': 'x' }));
    const result = await (await find()).verify(requestOf({ signature }), patient);
    const judge = () => judgePlugin(PLUGIN_NAME, signature.extended, result);
    expectCode(judge, 'attribute_unsupported');
  });
});

/** What it does, and the code. Each is tried for both commands. */
const BAD: readonly (readonly [string, PluginConduct, ErrorCode])[] = [
  ['answers no JSON', { kind: 'output', text: 'hello' }, 'plugin_invalid'],
  ['answers nothing', { kind: 'output', text: '' }, 'plugin_invalid'],
  ['answers half', { kind: 'output', text: '{"name":' }, 'plugin_invalid'],
  ['answers twice', { kind: 'output', text: '{}{}' }, 'plugin_invalid'],
  ['answers without end', { kind: 'flood' }, 'plugin_invalid'],
  ['fails with an error', failing(1, '{"errorCode":"THROTTLED"}'), 'plugin_failed'],
  ['fails with words', failing(70, 'panic\n\u001b[31m'), 'plugin_failed'],
  [
    'fails with the wrong code',
    failing(1, '{"errorCode":"ERROR","errorCode":""}'),
    'plugin_failed',
  ],
  ['is killed', { kind: 'signal' }, 'plugin_failed'],
];

describe.each(['metadata', 'verify'] as const)('a plugin that, asked to %s,', (command) => {
  it.each(BAD)('%s is refused', async (_, conduct, code) => {
    installPlugin(directory(), { [command]: conduct });
    const error = await expectCodeAsync(verify(), code);
    expect(error.message).toContain(`verification plugin "${PLUGIN_NAME}"`);
    expect(error.message).not.toMatch(/\p{C}/u);
  });

  it('hangs is killed when its time is over', async () => {
    const plugin = installPlugin(directory(), { [command]: { kind: 'hang' } });
    await expectCodeAsync(verify(patient, { timeoutMs: TIMEOUT_MS }), 'plugin_timeout');
    await expectGone(plugin);
  });

  it('hangs is killed when nobody waits any more', async () => {
    const plugin = installPlugin(directory(), { [command]: { kind: 'hang' } });
    const caller = new AbortController();
    const verdict = find({ signal: caller.signal }).then((found) =>
      found.verify(requestOf(), caller.signal),
    );
    const runs = command === 'metadata' ? 1 : 2;
    await expect.poll(() => plugin.calls().length).toBe(runs);
    caller.abort();
    await expectCodeAsync(verdict, 'deadline_exceeded');
    await expectGone(plugin);
  });

  it('leaves a process behind takes it with it', async () => {
    const plugin = installPlugin(directory(), { [command]: { kind: 'leave', inGroup: true } });
    expect((await verify()).findings.size).toBe(2);
    await expectGone(plugin);
  });
});

describe('a plugin', () => {
  it('that leaves a process beyond reach, which holds its output, is refused', async () => {
    const plugin = installPlugin(directory(), { metadata: { kind: 'leave', inGroup: false } });
    await expectCodeAsync(find({}, { timeoutMs: TIMEOUT_MS }), 'plugin_timeout');
    for (const { left } of plugin.calls()) if (left !== undefined) process.kill(left, 'SIGKILL');
    await expectGone(plugin);
  });

  it.each([
    ['of another name', { name: 'com.example.other' }, 'plugin_invalid'],
    ['of another contract', { supportedContractVersions: ['2.0'] }, 'plugin_invalid'],
    ['for signing', { capabilities: ['SIGNATURE_GENERATOR.RAW'] }, 'plugin_unsupported'],
    ['that is too old', { version: '1.2.2' }, 'plugin_unsupported'],
  ] as const)('%s is refused', async (_, members, code) => {
    installPlugin(directory(), { metadata: answer(members) });
    await expectCodeAsync(find({ minVersion: PLUGIN_VERSION }), code);
  });

  it('that leaves out a result is refused', async () => {
    const verificationResults = { [TRUSTED_IDENTITY]: { success: true } };
    installPlugin(directory(), { verify: answer({ verificationResults }) });
    await expectCodeAsync(verify(), 'plugin_invalid');
  });

  it('that is not there is missing, and no other is run for it', async () => {
    const other = installPlugin(directory(), { name: 'com.example.other' });
    const error = await expectCodeAsync(find(), 'plugin_missing');
    expect(error.message).toContain(`${directory()}/${PLUGIN_NAME}/notation-${PLUGIN_NAME}`);
    expect(other.calls()).toEqual([]);
  });

  it.each([
    ['an interpreter that is not there', '#!/nonexistent/interpreter\n'],
    ['a program of another machine', '\x7fELF\x02\x01\x01'],
  ])('of %s fails', async (_, content) => {
    const { path } = installPlugin(directory());
    writeFileSync(path, content);
    await expectCodeAsync(find(), 'plugin_failed');
  });

  it('is not started for somebody who waits no more', async () => {
    const plugin = installPlugin(directory());
    const reason = new AgentError('internal', 'stopped');
    const error = await expectCodeAsync(find({ signal: AbortSignal.abort(reason) }), 'internal');
    expect(error).toBe(reason);
    expect(plugin.calls()).toEqual([]);
  });

  it('may answer as much as the limit, and not a byte more', async () => {
    installPlugin(directory());
    const { length } = JSON.stringify(goodMetadata());
    expect((await find({}, { maxResponseBytes: length })).name).toBe(PLUGIN_NAME);
    await expectCodeAsync(find({}, { maxResponseBytes: length - 1 }), 'plugin_invalid');
  });

  it('is told to the operator in its own words when it fails', async () => {
    const stderr = '{"errorCode":"ACCESS_DENIED","errorMessage":"no credentials"}';
    installPlugin(directory(), { verify: failing(1, stderr) });
    const error = await expectCodeAsync(verify(), 'plugin_failed');
    expect(error.message).toBe(
      `verification plugin "${PLUGIN_NAME}", verify-signature: expected exit code 0, found 1: ACCESS_DENIED: "no credentials"`,
    );
  });
});

function answer(members: Readonly<Record<string, unknown>>): PluginConduct {
  return { ...ANSWER, members } as PluginConduct;
}

function failing(exitCode: number, stderr: string): PluginConduct {
  return { kind: 'fail', exitCode, stderr };
}

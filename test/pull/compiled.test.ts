// The pull verifier as containerd has it: compiled, started with three flags, a descriptor and hardly an environment.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { parseVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import {
  encodeResponse,
  MAX_RESPONSE_BYTES,
  type PullRequest,
} from '../../agent/pull/agent-protocol.ts';
import { MAX_ANSWER_BYTES } from '../../agent/pull/answer.ts';
import { encodeBreakGlass } from '../../agent/pull/break-glass.ts';
import { MAX_STDIN_BYTES } from '../../agent/pull/invocation.ts';
import { MAX_SETTINGS_BYTES } from '../../agent/pull/verifier-settings.ts';
import {
  CompiledVerifier,
  DESCRIPTOR_TYPE,
  type PulledImage,
} from '../support/compiled-verifier.ts';
import { EVIDENCE_KINDS, openEvidenceHost } from '../support/evidence-host.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { verdictOf } from '../support/verdict.ts';

const AGENT_SOCKET = 'run/agent.sock';
const IMAGE: PulledImage = {
  name: 'registry.invalid/team/app:v1',
  descriptor: {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'ab'.repeat(32)}`,
    size: 3,
  },
};

let verifier: CompiledVerifier;
beforeAll(async () => {
  verifier = await CompiledVerifier.build();
}, 60_000);
afterAll(() => verifier.remove());

/** An outcome whose answer starts as given. */
function answered(code: number, start: string): object {
  return { code, stdout: expect.stringMatching(`^${start}: .+\n$`) as unknown };
}

const denied = (changes: Partial<Verdict>): Verdict =>
  verdictOf({
    decision: 'deny',
    reason: 'signature_missing',
    message: 'no signature',
    signature: null,
    signer: null,
    ...changes,
  });

describe('with an agent', () => {
  it('allows what the agent allows', async () => {
    const asked: PullRequest[] = [];
    await verifier.startAgent((request) => {
      asked.push(request);
      return Promise.resolve(verdictOf({ digest: IMAGE.descriptor.digest }));
    });
    expect(await verifier.pull(IMAGE)).toMatchObject({
      code: 0,
      stdout: 'allow: verified: verified by policy statement "production"\n',
    });
    expect(asked).toEqual([IMAGE]);
  });

  it('denies what the agent denies, without asking anybody else', async () => {
    const { signed } = await verifier.openRegistry();
    const verdict = denied({ digest: signed.descriptor.digest });
    await verifier.startAgent(() => Promise.resolve(verdict));
    expect(await verifier.pull(signed)).toMatchObject({
      code: 1,
      stdout: 'deny: signature_missing: no signature\n',
    });
  });

  it('asks the host when the agent could not tell', async () => {
    const { signed } = await verifier.openRegistry();
    const digest = signed.descriptor.digest;
    const verdict = denied({ digest, reason: 'registry_unreachable', inconclusive: true });
    await verifier.startAgent(() => Promise.resolve(verdict));
    expect(await verifier.pull(signed)).toMatchObject({ code: 0 });
  });

  it('keeps the agent’s word when neither could tell', async () => {
    const { signed, close } = await verifier.openRegistry();
    await close();
    const digest = signed.descriptor.digest;
    const verdict = denied({ digest, reason: 'registry_busy', inconclusive: true });
    await verifier.startAgent(() => Promise.resolve(verdict));
    expect(await verifier.pull(signed)).toMatchObject({
      code: 1,
      stdout: 'deny: registry_busy: no signature\n',
    });
  });
});

describe('without an agent', () => {
  it('allows an image that is signed as the host’s policy says', async () => {
    const { signed } = await verifier.openRegistry();
    expect(await verifier.pull(signed)).toMatchObject(answered(0, 'allow: verified'));
  });

  it('allows it by the digest alone when containerd sends no descriptor', async () => {
    const { signed } = await verifier.openRegistry();
    expect(await verifier.pull(signed, '')).toMatchObject({ code: 0 });
  });

  it('denies an image without a signature', async () => {
    const { unsigned } = await verifier.openRegistry();
    expect(await verifier.pull(unsigned)).toMatchObject(answered(1, 'deny: signature_missing'));
  });

  it('denies by the digest even where the tag is that of a signed image', async () => {
    const { signed, unsigned } = await verifier.openRegistry();
    const moved = { name: signed.name, descriptor: unsigned.descriptor };
    expect(await verifier.pull(moved)).toMatchObject({ code: 1 });
  });

  const judged = (digest: Digest | null): string =>
    encodeResponse({ verdict: verdictOf({ digest }), mode: 'enforce' });

  it.each<[string, string, (socket: Socket) => void]>([
    ['hangs up', 'run/agent.sock: expected', (socket) => socket.destroy()],
    ['answers garbage', 'expected one line of JSON', (socket) => socket.end('garbage\n')],
    [
      'floods',
      `expected at most ${MAX_RESPONSE_BYTES} bytes`,
      (socket) => socket.end(Buffer.alloc(2 * MAX_RESPONSE_BYTES, 'x')),
    ],
    [
      'answers half a verdict',
      'a field is missing',
      (socket) => socket.end('{"protocol":1,"verdict":{"decision":"allow"}}\n'),
    ],
    [
      'answers an error',
      'agent: internal: busy',
      (socket) => socket.end(encodeResponse({ error: { code: 'internal', message: 'busy' } })),
    ],
    [
      'allows another image',
      `found ${IMAGE.descriptor.digest}`,
      (socket) => socket.end(judged(IMAGE.descriptor.digest)),
    ],
    ['allows without saying which image', 'found null', (socket) => socket.end(judged(null))],
  ])('judges by itself, and says why, when the agent %s', async (_, notice, serve) => {
    const { signed, unsigned } = await verifier.openRegistry();
    await verifier.listen(AGENT_SOCKET, serve);
    expect(await verifier.pull(signed)).toMatchObject({ code: 0 });
    const refused = await verifier.pull(unsigned);
    expect(refused).toMatchObject(answered(1, 'deny: signature_missing'));
    expect(refused.stderr).toContain(notice);
  });

  it('judges by itself, before containerd’s patience ends, when the agent says nothing', async () => {
    const { signed } = await verifier.openRegistry();
    await verifier.listen(AGENT_SOCKET, () => undefined);
    expect(await verifier.pull(signed)).toMatchObject({ code: 0 });
  });

  it('denies with a reason, before containerd’s patience ends, when the registry is silent too', async () => {
    const { signed, silence } = await verifier.openRegistry();
    silence();
    await verifier.listen(AGENT_SOCKET, () => undefined);
    expect(await verifier.pull(signed)).toMatchObject(answered(1, 'deny: deadline_exceeded'));
  });

  it.runIf(process.geteuid?.() === 0)(
    'judges by itself when another user took the agent’s place',
    async () => {
      const { unsigned } = await verifier.openRegistry();
      const digest = unsigned.descriptor.digest;
      await startAgentAs(
        NOBODY,
        encodeResponse({ verdict: verdictOf({ digest }), mode: 'enforce' }),
      );
      const { code, stderr } = await verifier.pull(unsigned);
      expect(code).toBe(1);
      expect(stderr).toContain('expected root to listen');
    },
  );
});

describe.each(EVIDENCE_KINDS)('an image judged by %s', (kind, code) => {
  it('is allowed where that is good', async () => {
    const { image, asked } = await openEvidenceHost(verifier.directory, kind, true);
    expect(await verifier.pull(image)).toMatchObject(answered(0, 'allow: verified'));
    expect(asked()).toBeGreaterThan(0);
  });

  it('is refused where that is against it', async () => {
    const { image, asked } = await openEvidenceHost(verifier.directory, kind, false);
    expect(await verifier.pull(image)).toMatchObject(answered(1, `deny: ${code}`));
    expect(asked()).toBeGreaterThan(0);
  });
});

describe.each(['ocsp', 'crl'])('an image judged by %s in a closed network', (kind) => {
  it('is judged through the proxy of containerd’s environment', async () => {
    const origin = 'http://revocation.invalid';
    const { image, server } = await openEvidenceHost(verifier.directory, kind, true, {}, origin);
    expect(await verifier.pull(image)).toMatchObject(answered(1, 'deny: revocation_unreachable'));
    const proxy = await startForwardProxy({ upstream: `127.0.0.1:${server?.port ?? 0}` });
    onTestFinished(() => proxy.close());
    verifier.environment = { HTTP_PROXY: proxy.url.href };
    onTestFinished(() => {
      verifier.environment = {};
    });
    expect(await verifier.pull(image)).toMatchObject(answered(0, 'allow: verified'));
    expect(proxy.requests).toEqual([expect.stringContaining(`${origin}/${kind}`)]);
  });
});

describe('an image judged by a CRL', () => {
  it('is judged by the same on the next pull, from the disk', async () => {
    const { image, asked } = await openEvidenceHost(verifier.directory, 'crl', true);
    expect(await verifier.pull(image)).toMatchObject({ code: 0 });
    expect(await verifier.pull(image)).toMatchObject({ code: 0 });
    expect(asked()).toBe(1);
  });
});

/** A journal that listens; `written` is what the verifier writes to it next. */
async function openJournal(): Promise<{ readonly written: Promise<readonly string[]> }> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  await verifier.listen('journal.sock', (socket) => {
    void text(socket).then((bytes) => {
      resolve(bytes.split('\n'));
      socket.end();
    });
  });
  return { written: promise };
}

/** The verdict line among them, after the lines that open a stream. */
function verdictIn(lines: readonly string[]) {
  return parseVerdictLine(lines[7] ?? '');
}

const NOBODY = 65_534;

async function startAgentAs(uid: number, answer: string): Promise<void> {
  const path = verifier.at('open/agent.sock');
  await mkdir(dirname(path), { recursive: true });
  await chown(dirname(path), uid, uid);
  await verifier.writeSettings({ agentSocket: path });
  onTestFinished(() => verifier.writeSettings({}));
  const script =
    'const [path, answer] = process.argv.slice(1);' +
    "require('node:net').createServer((socket) => socket.end(answer)).listen(path, () => console.log());";
  const child = spawn('node', ['-e', script, path, answer], { uid, gid: uid, cwd: '/' });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data');
}

describe('whatever is wrong with the call or the host', () => {
  const flags = ['-name', IMAGE.name, '-digest', IMAGE.descriptor.digest];
  const complete = [...flags, '-stdin-media-type', DESCRIPTOR_TYPE];

  it.each([
    ['no flags', [], '', 'invocation_invalid'],
    ['an unknown flag', [...complete, '-allow', 'yes'], '', 'invocation_invalid'],
    ['no descriptor but text', complete, 'hello', 'invocation_invalid'],
    ['more than is read', complete, ' '.repeat(4 * MAX_STDIN_BYTES), 'invocation_invalid'],
    ['a malformed digest', ['-name', IMAGE.name, '-digest', 'sha256:ab'], '', 'digest_invalid'],
  ])('denies when called with %s', async (_, args, stdin, code) => {
    const outcome = await verifier.start(args, stdin);
    expect(outcome).toMatchObject(answered(1, `deny: ${code}`));
    expect(Buffer.byteLength(outcome.stdout)).toBeLessThanOrEqual(MAX_ANSWER_BYTES + 1);
  });

  it.each(['--version', '--help'])(
    'says what it is for %s alone, and denies when that is part of a call',
    async (question) => {
      const { code, stdout } = await verifier.start([question], '');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^(?:nodeseal-verifier )?\d+\.\d+\.\d+/);
      const [, , ...rest] = complete;
      for (const args of [
        [...complete, question],
        ['-name', question, ...rest],
      ]) {
        expect(await verifier.start(args, '')).toMatchObject({ code: 1 });
      }
    },
  );

  it('denies when its settings are malformed, even with an agent that allows', async () => {
    await verifier.startAgent(() =>
      Promise.resolve(verdictOf({ digest: IMAGE.descriptor.digest })),
    );
    expect(await verifier.pull(IMAGE)).toMatchObject({ code: 0 });
    await verifier.writeSettings({ plainHttp: 'all' });
    onTestFinished(() => verifier.writeSettings({}));
    expect(await verifier.pull(IMAGE)).toMatchObject(answered(1, 'deny: setting_invalid'));
  });

  it.each<[string, (path: string, good: string) => Promise<unknown>]>([
    ['a pipe that nobody writes to', (path) => promisify(execFile)('mkfifo', [path])],
    ['a directory', (path) => mkdir(path)],
    ['a link to itself', (path) => symlink(path, path)],
    ['larger than is read', (path, good) => writeFile(path, good.padEnd(MAX_SETTINGS_BYTES + 1))],
  ])('denies when its settings are %s, even with an agent that allows', async (_, put) => {
    const path = verifier.at('verifier.json');
    const good = await readFile(path, 'utf8');
    onTestFinished(async () => {
      await rm(path, { recursive: true });
      await verifier.writeSettings({});
    });
    await verifier.startAgent(() =>
      Promise.resolve(verdictOf({ digest: IMAGE.descriptor.digest })),
    );
    await writeFile(path, good.padEnd(MAX_SETTINGS_BYTES));
    expect(await verifier.pull(IMAGE)).toMatchObject({ code: 0 });
    await rm(path);
    await put(path, good);
    expect(await verifier.pull(IMAGE)).toMatchObject(answered(1, 'deny: setting_invalid'));
  });

  it('denies when there is no policy', async () => {
    await rm(verifier.at('policy.json'), { force: true });
    expect(await verifier.pull(IMAGE)).toMatchObject(answered(1, 'deny: policy_missing'));
  });

  it('keeps its answer short and on one line whatever the agent says', async () => {
    const message = 'line\nline\u001b[2J'.repeat(1000);
    const digest = IMAGE.descriptor.digest;
    await verifier.startAgent(() => Promise.resolve(verdictOf({ digest, message })));
    const { stdout } = await verifier.pull(IMAGE);
    expect(stdout).toMatch(/^allow: verified: line\?line\?\[2J.*…\n$/);
    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(MAX_ANSWER_BYTES + 1);
  });
});

describe('in audit mode', () => {
  beforeEach(() => verifier.writeSettings({ mode: 'audit' }));
  afterEach(() => verifier.writeSettings({}));

  it('lets in what it would deny, and says so', async () => {
    const { signed, unsigned } = await verifier.openRegistry();
    expect(await verifier.pull(unsigned)).toMatchObject(
      answered(0, 'audit: would deny: signature_missing'),
    );
    expect(await verifier.pull(signed)).toMatchObject(answered(0, 'allow: verified'));
  });

  it('lets in what cannot be judged: without a policy, or called with no flags', async () => {
    await rm(verifier.at('policy.json'), { force: true });
    expect(await verifier.pull(IMAGE)).toMatchObject(
      answered(0, 'audit: would deny: policy_missing'),
    );
    expect(await verifier.start([], '')).toMatchObject(
      answered(0, 'audit: would deny: invocation_invalid'),
    );
  });

  it.each([
    ['audit', 0, 'audit: would deny'],
    ['enforce', 1, 'deny'],
  ] as const)(
    'holds with an agent in the mode %s only if that is audit',
    async (mode, code, said) => {
      const verdict = denied({ digest: IMAGE.descriptor.digest });
      await verifier.startAgent(() => Promise.resolve(verdict), mode);
      expect(await verifier.pull(IMAGE)).toMatchObject(
        answered(code, `${said}: signature_missing`),
      );
      await verifier.writeSettings({});
      expect(await verifier.pull(IMAGE)).toMatchObject({ code: 1 });
    },
  );

  it('enforces where its settings cannot be read', async () => {
    await verifier.writeSettings({ mode: 'audit', plainHttp: 'all' });
    expect(await verifier.pull(IMAGE)).toMatchObject(answered(1, 'deny: setting_invalid'));
    await verifier.writeSettings({ mode: 'auditing' });
    expect(await verifier.pull(IMAGE)).toMatchObject(answered(1, 'deny: setting_invalid'));
  });

  it('records the true verdict, and that nothing was bound by it', async () => {
    const { written } = await openJournal();
    const { unsigned } = await verifier.openRegistry();
    expect(await verifier.pull(unsigned)).toMatchObject({ code: 0 });
    expect(verdictIn(await written)).toMatchObject({
      ...{ decision: 'deny', reason: 'signature_missing', mode: 'audit' },
    });
  });
});

describe('by break-glass', () => {
  const hour = 60 * 60 * 1000;
  const write = async (untilMs: number, mode = 0o600): Promise<void> => {
    const until = new Date(untilMs);
    const text = encodeBreakGlass({ until, reason: 'registry is down', by: 'alice' });
    await rm(verifier.at('break-glass.json'), { force: true });
    await writeFile(verifier.at('break-glass.json'), text);
    await chmod(verifier.at('break-glass.json'), mode);
  };
  afterEach(() => rm(verifier.at('break-glass.json'), { force: true }));

  it('lets everything in, asks nobody, and says who answers for it', async () => {
    await write(Date.now() + hour);
    await verifier.startAgent(() => Promise.reject(new Error('asked')));
    const { written } = await openJournal();
    expect(await verifier.pull(IMAGE)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^allow: break_glass: every image is let in until .+Z, by alice: registry is down\n$/,
      ) as unknown,
      stderr: '',
    });
    expect(verdictIn(await written)).toMatchObject({
      ...{ decision: 'allow', reason: 'break_glass', mode: 'break_glass', via: 'host' },
      ...{ repository: 'registry.invalid/team/app', digest: IMAGE.descriptor.digest },
    });
  });

  it('lets in also where nothing else works', async () => {
    await write(Date.now() + hour);
    await writeFile(verifier.at('verifier.json'), 'no settings');
    onTestFinished(() => verifier.writeSettings({}));
    expect(await verifier.start([], '')).toMatchObject(answered(0, 'allow: break_glass'));
  });

  it('is over at the time that it says, and the refusal says so', async () => {
    await write(Date.now() - 1000);
    expect(await verifier.pull(IMAGE)).toMatchObject(
      answered(1, String.raw`deny: \w+: \[ignored break-glass: it expired at .+Z\] .+`),
    );
  });

  it('is nothing that cannot be read, and the refusal says so', async () => {
    await symlink('break-glass.json', verifier.at('break-glass.json'));
    expect(await verifier.pull(IMAGE)).toMatchObject(
      answered(1, String.raw`deny: \w+: \[ignored break-glass: .+\] .+`),
    );
  });

  it('is nothing for whom others than root could have written it', async () => {
    await write(Date.now() + hour, 0o666);
    expect(await verifier.pull(IMAGE)).toMatchObject(
      answered(1, String.raw`deny: \w+: \[ignored break-glass: .+ found mode 666\] .+`),
    );
  });
});

describe('for the journal', () => {
  it('leaves the verdict of an allowed pull', async () => {
    const { written } = await openJournal();
    const digest = IMAGE.descriptor.digest;
    await verifier.startAgent(() => Promise.resolve(verdictOf({ digest })));
    expect(await verifier.pull(IMAGE)).toMatchObject({ code: 0, stderr: '' });
    const lines = await written;
    expect(lines.slice(0, 3)).toEqual(['nodeseal-verifier', '', '6']);
    // journald makes no entry of an empty line; that it reads one says that it has filed the verdict.
    expect(lines.slice(8)).toEqual(['', '']);
    expect(verdictIn(lines)).toMatchObject({
      decision: 'allow',
      digest,
      name: IMAGE.name,
      via: 'agent',
      mode: 'enforce',
    });
  });

  it.each([
    ['the host where no agent listens', 'host', undefined, true],
    ['the host where only the agent could not tell', 'host', 'registry_busy', true],
    ['the agent where neither could tell', 'agent', 'registry_busy', false],
  ] as const)('says that the verdict is of %s', async (_, via, reason, isReachable) => {
    const { written } = await openJournal();
    const { signed, close } = await verifier.openRegistry();
    if (!isReachable) await close();
    if (reason !== undefined) {
      const verdict = denied({ digest: signed.descriptor.digest, reason, inconclusive: true });
      await verifier.startAgent(() => Promise.resolve(verdict));
    }
    const { stderr } = await verifier.pull(signed);
    expect(stderr).toContain(reason === undefined ? 'run/agent.sock' : `agent: ${reason}: `);
    expect(verdictIn(await written)).toMatchObject({
      via,
      decision: isReachable ? 'allow' : 'deny',
    });
  });

  it('makes whoever follows the journal look at once', async () => {
    const { written } = await openJournal();
    await utimes(verifier.at('journal'), 1, 1);
    await verifier.startAgent(() =>
      Promise.resolve(verdictOf({ digest: IMAGE.descriptor.digest })),
    );
    expect(await verifier.pull(IMAGE)).toMatchObject({ code: 0, stderr: '' });
    await written;
    expect((await stat(verifier.at('journal'))).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    await expect(stat(verifier.at('no-journal'))).rejects.toThrow('ENOENT');
  });

  it('leaves it on another connection when the journal drops the first, as its restart does', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    let connections = 0;
    await verifier.listen('journal.sock', (socket) => {
      connections += 1;
      if (connections === 1) socket.destroy();
      else void text(socket).then((bytes) => resolve(bytes.split('\n')));
    });
    const digest = IMAGE.descriptor.digest;
    await verifier.startAgent(() => Promise.resolve(verdictOf({ digest })));
    expect(await verifier.pull(IMAGE)).toMatchObject({ code: 0, stderr: '' });
    expect(verdictIn(await promise)).toMatchObject({ decision: 'allow', digest });
  });

  it('decides all the same when the journal never reads, and writes to it once', async () => {
    let connections = 0;
    await verifier.listen('journal.sock', () => {
      connections += 1;
    });
    await verifier.startAgent(() =>
      Promise.resolve(verdictOf({ digest: IMAGE.descriptor.digest })),
    );
    const { code, stderr } = await verifier.pull(IMAGE);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^journal: /);
    // What it has not read yet it may still read: on another connection it would have it twice.
    expect(connections).toBe(1);
  });
});

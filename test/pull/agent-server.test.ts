// The agent's socket, driven by raw connections.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import {
  encodeRequest,
  MAX_REQUEST_BYTES,
  parseResponse,
  type PullRequest,
} from '../../agent/pull/agent-protocol.ts';
import {
  type AgentRequestOutcome,
  type AgentServerOptions,
  startAgentServer,
} from '../../agent/pull/agent-server.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';

const REQUEST: PullRequest = {
  name: 'registry.example/team/app:v1',
  descriptor: {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'ab'.repeat(32)}`,
    size: 3,
  },
};
const VERDICT = verdictOf({});
const ANSWER = { verdict: VERDICT, mode: 'audit' } as const;

async function temporaryPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nodeseal-agent-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'run', 'agent.sock');
}

async function startServer(options: Partial<AgentServerOptions> = {}) {
  const path = options.path ?? (await temporaryPath());
  const outcomes: AgentRequestOutcome[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<AgentRequestOutcome>();
  const server = await startAgentServer({
    judge: () => Promise.resolve(VERDICT),
    mode: ANSWER.mode,
    ...options,
    path,
    answered: (outcome) => {
      outcomes.push(outcome);
      resolve(outcome);
    },
  });
  onTestFinished(() => server.close());
  return { path, outcomes, ended, server };
}

/** Resolves to everything the server says until it ends the connection. */
async function send(path: string, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(path);
  socket.write(bytes);
  return text(socket);
}

function connect(path: string): Socket {
  const socket = createConnection(path);
  // The server may hang up while we still write.
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('the agent’s socket', () => {
  it('answers a request with the verdict on it', async () => {
    const asked: PullRequest[] = [];
    const { path, outcomes } = await startServer({
      judge: (request) => {
        asked.push(request);
        return Promise.resolve(VERDICT);
      },
    });
    expect(parseResponse(await send(path, encodeRequest(REQUEST)))).toEqual(ANSWER);
    expect(asked).toEqual([REQUEST]);
    expect(outcomes).toEqual(['allow']);
  });

  it('is open to its owner only, and so is its directory', async () => {
    const { path } = await startServer();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  });

  it('answers garbage with an error, and goes on serving', async () => {
    const { path, outcomes } = await startServer();
    const answer = parseResponse(await send(path, 'garbage\n'));
    expect(answer).toMatchObject({ error: { code: 'invocation_invalid' } });
    expect(parseResponse(await send(path, encodeRequest(REQUEST)))).toEqual(ANSWER);
    expect(outcomes).toEqual(['invalid', 'allow']);
  });

  it('answers with the code of what kept it from a verdict', async () => {
    const judge = () => Promise.reject(new AgentError('policy_missing', 'no policy'));
    const { path } = await startServer({ judge });
    const answer = parseResponse(await send(path, encodeRequest(REQUEST)));
    expect(answer).toEqual({ error: { code: 'policy_missing', message: 'no policy' } });
  });

  it('answers a fault of its own as internal', async () => {
    const judge = () => Promise.reject(new TypeError('x is not a function'));
    const { path } = await startServer({ judge });
    const answer = parseResponse(await send(path, encodeRequest(REQUEST)));
    expect(answer).toMatchObject({ error: { code: 'internal' } });
  });

  it('reads a line as long as is allowed, and no longer one', async () => {
    const { path } = await startServer();
    const ofLength = (bytes: number) =>
      `${encodeRequest(REQUEST)
        .trim()
        .padEnd(bytes - 1)}\n`;
    expect(parseResponse(await send(path, ofLength(MAX_REQUEST_BYTES)))).toEqual(ANSWER);
    const answer = parseResponse(await send(path, ofLength(MAX_REQUEST_BYTES + 1)));
    expect(answer).toMatchObject({ error: { code: 'invocation_invalid' } });
  });

  it('hangs up on one who says nothing until the deadline', async () => {
    const { path, ended } = await startServer({ deadlineMs: 50 });
    expect(await text(connect(path))).toBe('');
    expect(await ended).toBe('abandoned');
  });

  it('stops judging at the deadline', async () => {
    const { path, ended, aborted } = await startStuckServer({ deadlineMs: 50 });
    expect(await send(path, encodeRequest(REQUEST))).toBe('');
    await aborted;
    expect(await ended).toBe('abandoned');
  });

  it('stops judging for a verifier that was killed', async () => {
    const { path, ended, asked, aborted } = await startStuckServer({});
    const socket = connect(path);
    socket.write(encodeRequest(REQUEST));
    await asked;
    socket.destroy();
    await aborted;
    expect(await ended).toBe('abandoned');
  });

  it('replaces the socket that an earlier agent left', async () => {
    const { path, server } = await startServer();
    await server.close();
    await writeFile(path, '');
    await startServer({ path });
    expect(parseResponse(await send(path, encodeRequest(REQUEST)))).toEqual(ANSWER);
  });

  it('hangs up on everybody when it is closed', async () => {
    const { path, server, asked } = await startStuckServer({});
    const said = send(path, encodeRequest(REQUEST));
    await asked;
    await server.close();
    expect(await said).toBe('');
  });

  it('says where it cannot be', async () => {
    const path = join(await temporaryPath(), '..', 'file');
    await startServer({ path });
    await expectCodeAsync(startServer({ path: join(path, 'agent.sock') }), 'host_write_failed');
  });
});

/** A server whose judge only ends when it is told to. */
async function startStuckServer(options: Partial<AgentServerOptions>) {
  const { promise: asked, resolve: setAsked } = Promise.withResolvers<undefined>();
  const { promise: aborted, resolve: setAborted } = Promise.withResolvers<undefined>();
  const started = await startServer({
    ...options,
    judge: async (_, signal) => {
      setAsked(undefined);
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      setAborted(undefined);
      return VERDICT;
    },
  });
  return { ...started, asked, aborted };
}

// Real containerds: every line that they log is read, in both formats, and what they log about pulls is what we take it for.
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import type { TomlTable } from '../../agent/node/containerd/toml.ts';
import { isSupported } from '../../agent/node/containerd/version.ts';
import {
  classifyContainerdLine,
  type ContainerdEvent,
  type ContainerdEventKind,
} from '../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../agent/node/journald/containerd-line.ts';
import {
  LOG_MODES,
  type LogMode,
  record,
  recordedLines,
  shapeOf,
} from '../support/containerd-lines.ts';
import { describeOnContainerds } from '../support/containerds.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import { type PushedImage, pushImage, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';

const BIN_DIR = '/opt/containerd/image-verifier/bin';
/** Less than containerd's default, so that the tests need not wait for that. */
const VERIFIER_TIMEOUT_MS = 3000;

/** Each is the only verifier that is run, by one pull. */
const VERIFIERS = {
  blocks: '#!/bin/sh\necho "no \\"signature\\"\t=ü"\nexit 1\n',
  allows: '#!/bin/sh\necho fine\n',
  dies: '#!/bin/sh\nkill -9 $$\n',
  hangs: '#!/bin/sh\nexec sleep 60\n',
  cannotStart: 'no program\n',
  leavesOutputOpen: '#!/bin/sh\nsleep 60 &\n',
} as const;

/** Of images that nobody has, and that would pass for other lines if quoting did not hold. */
const HOSTILE_NAMES = [
  'x" failed',
  'x" with image id "sha256:1", repo tag "x", repo digest "x@sha256:1',
  'x\ntime="2026-08-22T10:11:12Z" level=warning msg="Image verifier blocked pull" name=x',
] as const;

describeOnContainerds('the log lines of containerd', ({ version, boot }) => {
  let node: TestNode;
  let client: ContainerdClient;
  let image: PushedImage;
  const logged = new Map<LogMode, readonly string[]>();

  beforeAll(async () => {
    node = await bootTestNode(boot);
    try {
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      image = await pushImage(await startRegistry(node, 'crane'), 'image', { index: true });
      for (const mode of LOG_MODES) logged.set(mode, await doEverythingThatIsLogged(mode));
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  async function restart({ format, level }: LogMode, images: TomlTable): Promise<string> {
    const root = { debug: { level, format } };
    const per_verifier_timeout = `${VERIFIER_TIMEOUT_MS}ms`;
    const verifier = { max_verifiers: 1, per_verifier_timeout };
    await configureContainerd(node, client, { images, root, verifier });
    return (await node.output('systemctl show -P MainPID containerd'.split(' '))).trim();
  }

  /** Each pull by ctr goes through the transfer service, in every version, and leaves nothing. */
  async function pullWith(verifier: string): Promise<void> {
    await node.output(['sh', '-c', `rm -rf ${BIN_DIR}`]);
    await node.writeFile(`${BIN_DIR}/a`, verifier, 0o755);
    await node.writeFile(`${BIN_DIR}/b`, '', 0o755);
    await node.exec(['ctr', '-n', 'k8s.io', 'images', 'pull', '--plain-http', image.tagged]);
    await node.exec(['ctr', '-n', 'k8s.io', 'images', 'rm', image.tagged]);
  }

  /** Returns the lines, in order. */
  async function doEverythingThatIsLogged(mode: LogMode): Promise<readonly string[]> {
    const pid = await restart(mode, {});
    for (const verifier of Object.values(VERIFIERS)) await pullWith(verifier);
    await node.output(['rm', '-r', BIN_DIR]);
    await pullImage(client, image.tagged);
    await removeImage(client, image.tagged);
    for (const name of [`${image.repository}:absent`, ...HOSTILE_NAMES]) {
      await expect(pullImage(client, name)).rejects.toThrow();
    }
    const after = await restart(mode, { discard_unpacked_layers: true });
    return [...(await linesOf(pid)), ...(await linesOf(after))];
  }

  async function linesOf(pid: string): Promise<readonly string[]> {
    const command = `journalctl --unit=containerd --boot --output=cat --all _PID=${pid}`;
    const text = await node.output(command.split(' '));
    return text.split('\n').filter((line) => line.startsWith('time=') || line.startsWith('{'));
  }

  function read(line: string): ContainerdEvent {
    return classifyContainerdLine(parseContainerdLine(line), VERIFIER_TIMEOUT_MS);
  }

  function isAlwaysThere(line: string): boolean {
    const event = read(line);
    const isRaced = event.kind === 'no_judgement' && event.cause === 'output_held';
    return event.kind !== 'other' && !isRaced;
  }

  function linesIn(mode: LogMode): readonly string[] {
    return logged.get(mode) ?? [];
  }

  /** The first of each class, and two of no class. */
  function samples(mode: LogMode): readonly string[] {
    const seen = new Map<string, number>();
    return linesIn(mode).filter((line) => {
      const event = read(line);
      const shape = 'cause' in event ? `${event.kind} ${event.cause}` : event.kind;
      const count = (seen.get(shape) ?? 0) + 1;
      seen.set(shape, count);
      return count <= (event.kind === 'other' ? 2 : event.kind === 'pull_failed' ? 4 : 1);
    });
  }

  describe.each(LOG_MODES)('as $format, at level $level', (mode) => {
    it('are all read', () => {
      const kinds = new Set(linesIn(mode).map((line) => read(line).kind));
      const expected: ContainerdEventKind[] = [
        ...(['pull_blocked', 'no_judgement', 'verifiers_skipped'] as const),
        ...(mode.level === 'debug' ? (['pull_allowed'] as const) : []),
        ...(['image_created', 'image_updated', 'image_deleted'] as const),
        ...(['pull_started', 'pull_finished', 'pull_failed'] as const),
        ...(['containerd_started', 'containerd_booted'] as const),
        ...(isSupported(version) ? (['pull_fallback'] as const) : []),
        'other',
      ];
      expect([...kinds].sort()).toEqual(expected.sort());
    });

    it('say what we take them for', () => {
      const { digest, tagged, pinned } = image;
      const judged = { name: tagged, digest };
      const events = linesIn(mode).map(read);
      expect(events).toContainEqual({
        ...{ kind: 'pull_blocked', ...judged, verifier: 'a' },
        reason: 'verifier a rejected image (exit code 1): no "signature"\t=ü',
      });
      const allowed = { kind: 'pull_allowed', ...judged, reason: 'a => fine' };
      if (mode.level === 'debug') expect(events).toContainEqual(allowed);
      for (const kind of ['image_created', 'image_deleted'] as const) {
        expect(events).toContainEqual({ kind, name: tagged });
      }
      expect(events).toContainEqual({ kind: 'pull_started', name: tagged });
      expect(events).toContainEqual({ kind: 'pull_finished', name: tagged, repoDigest: pinned });
      const started = events.find(({ kind }) => kind === 'containerd_started');
      expect(started).toMatchObject({ version: expect.stringContaining(version) as string });
      if (isSupported(version)) {
        const why = 'not supported with transfer service';
        const setting = 'DiscardUnpackedLayers';
        expect(events).toContainEqual({ kind: 'pull_fallback', setting, why });
      }
    });

    it('tell apart why a verifier gave no judgement', () => {
      const events = linesIn(mode).map(read);
      const causes = events.flatMap((event) =>
        event.kind === 'no_judgement' ? [`${event.verifier ?? ''} ${event.cause}`] : [],
      );
      // Whether containerd minds output that is held open is a race between two of its timers.
      expect([...causes, 'a output_held'].slice(0, 4)).toEqual(
        ['killed', 'timeout', 'exec_failed', 'output_held'].map((cause) => `a ${cause}`),
      );
    });

    it('are not misled by names of images', () => {
      const events = linesIn(mode).map(read);
      const names = (kind: ContainerdEventKind) =>
        events.flatMap((event) => (event.kind === kind && 'name' in event ? [event.name] : []));
      const absent = [`${image.repository}:absent`, ...HOSTILE_NAMES];
      expect(names('pull_failed')).toEqual(absent);
      expect(names('pull_started')).toEqual([image.tagged, ...absent]);
      expect(names('pull_finished')).toEqual([image.tagged]);
      expect(names('pull_blocked')).toEqual([image.tagged]);
    });

    it('are like those that other tests have of it', () => {
      const { format, level } = mode;
      const lines = samples(mode);
      if (process.env.RECORD_LINES === '1') record({ version, format, level, lines });
      const recorded = recordedLines().find(
        (one) => one.version === version && one.format === format && one.level === level,
      );
      const shapes = (all: readonly string[] = []) => all.filter(isAlwaysThere).map(shapeOf);
      expect(shapes(lines)).toEqual(shapes(recorded?.lines));
    });
  });
});

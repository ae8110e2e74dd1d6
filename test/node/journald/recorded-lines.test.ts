// What containerd 2.0 to 2.3 really logged, in both formats and at both levels, is read as what was done to it.
import { describe, expect, it } from 'vitest';
import {
  classifyContainerdLine,
  type ContainerdEvent,
} from '../../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../../agent/node/journald/containerd-line.ts';
import { recordedLines } from '../../support/containerd-lines.ts';

/** What the containerds were configured with. */
const VERIFIER_TIMEOUT_MS = 3000;
const BIN_DIR = '/opt/containerd/image-verifier/bin';
const NAME = expect.stringMatching(/^127\.0\.0\.1:\d+\/image:latest$/) as string;
const DIGEST = expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string;
const JUDGED = { name: NAME, digest: DIGEST };

/** Each class once; the one of a pull that failed by the image's name. */
const EVENTS: readonly (readonly [string, object])[] = [
  [
    'pull_blocked',
    {
      ...{ kind: 'pull_blocked', ...JUDGED, verifier: 'a' },
      reason: 'verifier a rejected image (exit code 1): no "signature"\t=ü',
    },
  ],
  [
    'killed',
    {
      ...{ kind: 'no_judgement', ...JUDGED, verifier: 'a', cause: 'killed' },
      runtimeMs: expect.any(Number) as number,
      reason: expect.stringMatching(/: waiting on command to exit: signal: killed$/) as string,
    },
  ],
  [
    'timeout',
    {
      ...{ kind: 'no_judgement', ...JUDGED, verifier: 'a', cause: 'timeout' },
      runtimeMs: expect.any(Number) as number,
      reason: expect.stringMatching(/: waiting on command to exit: signal: killed$/) as string,
    },
  ],
  [
    'exec_failed',
    {
      ...{ kind: 'no_judgement', ...JUDGED, verifier: 'a', cause: 'exec_failed' },
      runtimeMs: expect.any(Number) as number,
      reason: expect.stringMatching(/\/bin\/a: exec format error$/) as string,
    },
  ],
  [
    'verifiers_skipped',
    {
      kind: 'verifiers_skipped',
      detail: `image verifiers are being skipped since directory ${BIN_DIR} has 2 entries, more than configured max of 1 verifiers`,
    },
  ],
  ['image_created', { kind: 'image_created', name: NAME }],
  ['image_updated', { kind: 'image_updated', name: NAME }],
  ['image_deleted', { kind: 'image_deleted', name: NAME }],
  ['pull_started', { kind: 'pull_started', name: NAME }],
  [
    'pull_finished',
    {
      ...{ kind: 'pull_finished', name: NAME },
      repoDigest: expect.stringMatching(/^127\.0\.0\.1:\d+\/image@sha256:[0-9a-f]{64}$/) as string,
    },
  ],
  [
    'pull_failed',
    {
      ...{ kind: 'pull_failed', name: expect.stringMatching(/\/image:absent$/) as string },
      error: expect.stringMatching(/^rpc error: code = NotFound desc = /) as string,
    },
  ],
  [
    'an image named like the end of a line',
    {
      ...{ kind: 'pull_failed', name: 'x" failed' },
      error: expect.stringContaining('failed to parse image reference "x\\" failed"') as string,
    },
  ],
  [
    'an image named like a finished pull',
    {
      ...{ kind: 'pull_failed' },
      name: 'x" with image id "sha256:1", repo tag "x", repo digest "x@sha256:1',
      error: expect.stringMatching(/: invalid reference format$/) as string,
    },
  ],
  [
    'an image named like another line',
    {
      ...{ kind: 'pull_failed' },
      name: 'x\ntime="2026-08-22T10:11:12Z" level=warning msg="Image verifier blocked pull" name=x',
      error: expect.stringContaining('must be lowercase') as string,
    },
  ],
  ['containerd_started', { kind: 'containerd_started', version: expect.any(String) as string }],
  ['containerd_booted', { kind: 'containerd_booted' }],
];

const ALLOWED = { kind: 'pull_allowed', ...JUDGED, reason: 'a => fine' };
const FALLBACK = {
  ...{ kind: 'pull_fallback', setting: 'DiscardUnpackedLayers' },
  why: 'not supported with transfer service',
};

describe.each(recordedLines())(
  'the lines of containerd $version as $format, at level $level',
  ({ version, level, lines }) => {
    const events: readonly ContainerdEvent[] = lines.map((line) =>
      classifyContainerdLine(parseContainerdLine(line), VERIFIER_TIMEOUT_MS),
    );
    // Up to 2.0, CRI has no transfer service to fall back from.
    const fallsBack = !version.startsWith('2.0.');
    const expected = [
      ...EVENTS,
      ...(level === 'debug' ? ([['pull_allowed', ALLOWED]] as const) : []),
      ...(fallsBack ? ([['pull_fallback', FALLBACK]] as const) : []),
    ];

    it.each(expected)('tell of %s, once', (_, event) => {
      expect(events).toContainEqual(event);
    });

    it('tell of nothing else', () => {
      const isHeld = (event: ContainerdEvent) =>
        event.kind === 'no_judgement' && event.cause === 'output_held';
      const rest = events.filter((event) => event.kind !== 'other' && !isHeld(event));
      expect(rest).toHaveLength(expected.length);
    });
  },
);

it('are of every version, format and level', () => {
  const versions = new Set(recordedLines().map(({ version }) => version.replace(/\.\d+$/, '')));
  expect([...versions]).toEqual(['2.0', '2.1', '2.2', '2.3']);
  expect(recordedLines()).toHaveLength(4 * 2 * 2);
});

// containerd's lines by class, with their exact texts, and lines that look like them.
import { describe, expect, it } from 'vitest';
import { classifyContainerdLine } from '../../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../../agent/node/journald/containerd-line.ts';
import { expectCode } from '../../support/expect-code.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const NAME = 'docker.io/library/busybox:latest';

function classify(rest: string): unknown {
  return classifyContainerdLine(
    parseContainerdLine(`time="2026-08-22T10:11:12.123456789Z" ${rest}`),
  );
}

describe('classifyContainerdLine', () => {
  it.each<[string, object]>([
    [
      `level=warning msg="Image verifier blocked pull" digest="${DIGEST}" name="${NAME}" ok=false reason="verifier notation rejected image (exit code 1): no signature" verifier=bindir`,
      {
        kind: 'pull_blocked',
        name: NAME,
        digest: DIGEST,
        reason: 'verifier notation rejected image (exit code 1): no signature',
        verifier: 'notation',
      },
    ],
    [
      `level=debug msg="Image verifier allowed pull" digest="${DIGEST}" name="${NAME}" ok=true reason= verifier=bindir`,
      { kind: 'pull_allowed', name: NAME, digest: DIGEST, reason: '' },
    ],
    [
      `level=error msg="No judgement received from verifier" digest="${DIGEST}" error="failed to list directory contents: x" name="${NAME}" verifier=bindir`,
      {
        ...{ kind: 'no_judgement', name: NAME, digest: DIGEST },
        reason: 'failed to list directory contents: x',
        ...{ cause: 'other', verifier: null, runtimeMs: null },
      },
    ],
    [
      `level=warning msg="image verifiers are being skipped since directory /opt/x has 11 entries, more than configured max of 10 verifiers"`,
      {
        kind: 'verifiers_skipped',
        detail:
          'image verifiers are being skipped since directory /opt/x has 11 entries, more than configured max of 10 verifiers',
      },
    ],
    [
      `level=warning msg="Found 'DiscardUnpackedLayers' in CRI config which is incompatible with transfer service (not supported with transfer service (also deprecated)). Falling back to local image pull mode."`,
      {
        kind: 'pull_fallback',
        setting: 'DiscardUnpackedLayers',
        why: 'not supported with transfer service (also deprecated)',
      },
    ],
    [
      String.raw`level=info msg="ImageCreate event name:\"docker.io/library/nginx:latest\"  labels:{key:\"io.cri-containerd.image\"  value:\"managed\"}"`,
      { kind: 'image_created', name: 'docker.io/library/nginx:latest' },
    ],
    [
      String.raw`level=info msg="ImageUpdate event name:\"a/b@${DIGEST}\" labels:{key:\"k\" value:\"v\"}"`,
      { kind: 'image_updated', name: `a/b@${DIGEST}` },
    ],
    [
      String.raw`level=info msg="ImageDelete event name:\"${DIGEST}\""`,
      { kind: 'image_deleted', name: DIGEST },
    ],
    [String.raw`level=info msg="PullImage \"busybox\""`, { kind: 'pull_started', name: 'busybox' }],
    [
      String.raw`level=error msg="PullImage \"busybox\" failed" error="rpc error: no"`,
      { kind: 'pull_failed', name: 'busybox', error: 'rpc error: no' },
    ],
    [
      String.raw`level=info msg="Pulled image \"busybox\" with image id \"sha256:1\", repo tag \"${NAME}\", repo digest \"docker.io/library/busybox@${DIGEST}\", size \"12\" in 1.2s"`,
      { kind: 'pull_finished', name: 'busybox', repoDigest: `docker.io/library/busybox@${DIGEST}` },
    ],
    [
      String.raw`level=info msg="PullImage \"busybox\" returns image reference \"sha256:1\""`,
      { kind: 'other' },
    ],
    [
      'level=info msg="starting containerd" revision=abc version=2.1.9',
      { kind: 'containerd_started', version: '2.1.9' },
    ],
    ['level=info msg="containerd successfully booted in 0.024s"', { kind: 'containerd_booted' }],
    ['level=info msg="loading plugin" id=io.containerd.x', { kind: 'other' }],
  ])('reads %s', (line, event) => {
    expect(classify(line)).toEqual(event);
  });

  it.each([
    [
      'an image named like a finished pull',
      String.raw`level=info msg="PullImage \"x\\\" with image id \\\"sha256:1\""`,
      { kind: 'pull_started', name: 'x" with image id "sha256:1' },
    ],
    [
      'an image named like a failed pull',
      String.raw`level=info msg="PullImage \"x\\\" failed\""`,
      { kind: 'pull_started', name: 'x" failed' },
    ],
    [
      "the verifier's words at another level",
      `level=info msg="Image verifier blocked pull" digest="${DIGEST}" name=x`,
      { kind: 'other' },
    ],
    [
      "the verifier's words as part of a message",
      'level=warning msg="shim says: Image verifier blocked pull"',
      { kind: 'other' },
    ],
    [
      'a fallback warning with something after it',
      `level=warning msg="Found 'X' in CRI config which is incompatible with transfer service (y). Falling back to local image pull mode. Not"`,
      { kind: 'other' },
    ],
  ])('is not misled by %s', (_, line, event) => {
    expect(classify(line)).toEqual(event);
  });

  it.each([
    [
      'a blocked pull without name',
      `level=warning msg="Image verifier blocked pull" digest="${DIGEST}"`,
    ],
    ['an image event without name', 'level=info msg="ImageCreate event labels:{}"'],
    ['a finished pull cut short', String.raw`level=info msg="Pulled image \"x\" with image"`],
    ['a pull without closing quote', String.raw`level=info msg="PullImage \"x"`],
    ['a start without version', 'level=info msg="starting containerd"'],
  ])('rejects %s', (_, line) => {
    expectCode(() => classify(line), 'journal_line_invalid');
  });

  it('rejects a blocked pull whose digest is none', () => {
    const line = 'level=warning msg="Image verifier blocked pull" digest=x name=y';
    expectCode(() => classify(line), 'digest_invalid');
  });
});

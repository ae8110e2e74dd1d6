// What containerd's lines say of pulls, and what none of them can say.
import { describe, expect, it } from 'vitest';
import { JOURNAL_EVENTS } from '../../agent/audit/journal-reading.ts';
import { containerdPullLine, pullRecord } from '../../agent/audit/pull-line.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf, REPOSITORY } from './images.ts';

const DIGEST = digestOf(1);
const NAME = `${REPOSITORY}:v1`;

describe('containerdPullLine', () => {
  it('reads a judgement with its image', () => {
    const judged = { name: NAME, digest: DIGEST };
    expect(
      containerdPullLine({ kind: 'pull_blocked', ...judged, reason: 'no', verifier: 'v' }),
    ).toEqual({
      ...{ kind: 'judgement', judgement: 'blocked', ...judged, repository: REPOSITORY },
      ...{ reason: 'no', verifier: 'v', cause: null, runtimeMs: null },
    });
  });

  it('has no repository for a name that is no reference', () => {
    const event = { kind: 'pull_allowed', name: 'x" failed', digest: DIGEST, reason: '' } as const;
    expect(containerdPullLine(event)).toMatchObject({ repository: '', name: 'x" failed' });
  });

  it('reads the end of a pull by the digest of its index', () => {
    const event = { kind: 'pull_finished', name: 'app:v1', repoDigest: `${REPOSITORY}@${DIGEST}` };
    expect(containerdPullLine({ ...event, kind: 'pull_finished' })).toEqual({
      ...{ kind: 'finished', requested: 'app:v1', repository: REPOSITORY, digest: DIGEST },
    });
    const broken = {
      ...event,
      kind: 'pull_finished',
      repoDigest: `${REPOSITORY}@sha256:1`,
    } as const;
    expect(containerdPullLine(broken)).toBeUndefined();
  });

  it.each([
    ['failed to pull and unpack image "x": failed to resolve image: not found', true],
    ['failed to pull and unpack image "x": failed to resolve reference "x": denied', true],
    ['failed to parse image reference "x": invalid reference format', true],
    ['failed to pull and unpack image "x": image verifier bindir blocked pull', false],
    ['', false],
  ])('tells whether a pull failed before it was judged: %s', (error, isUnresolved) => {
    expect(containerdPullLine({ kind: 'pull_failed', name: 'x', error })).toEqual({
      ...{ kind: 'failed', requested: 'x', isUnresolved },
    });
  });

  it('cuts what attackers make long', () => {
    const name = 'n'.repeat(5000);
    expect(containerdPullLine({ kind: 'pull_started', name })).toEqual({
      ...{ kind: 'started', requested: 'n'.repeat(1024) },
    });
  });

  it('returns a line or nothing for every kind of event, whatever it lacks', () => {
    for (const kind of JOURNAL_EVENTS) {
      if (kind === 'untrusted_verdict' || kind === 'unreadable_line') continue;
      const line = containerdPullLine({ kind });
      expect(line === undefined || typeof line.kind === 'string').toBe(true);
    }
  });
});

describe('pullRecord', () => {
  it('names an image that the verdict line does not name', () => {
    const verdict = verdictOf({ repository: REPOSITORY, digest: DIGEST });
    expect(pullRecord(verdict)).toMatchObject({
      ...{ kind: 'pull', name: `${REPOSITORY}@${DIGEST}`, mode: 'enforce', via: null },
    });
    expect(pullRecord({ ...verdict, digest: null }).name).toBe(REPOSITORY);
    expect(pullRecord({ ...verdict, name: NAME, via: 'host', mode: 'audit' })).toMatchObject({
      ...{ name: NAME, mode: 'audit', via: 'host' },
    });
  });
});

// Label and condition: what Kubernetes is told of each state.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  conditionPatch,
  type EnforcementReport,
  labelPatch,
} from '../../../agent/node/kubernetes/enforcement-report.ts';

const NOW = new Date('2026-08-22T10:00:00.250Z');
const PROVED_AT = new Date('2026-08-22T09:30:00Z');
const ENFORCING: EnforcementReport = { state: 'enforcing', causes: [], provedAt: PROVED_AT };
const BYPASSED: EnforcementReport = {
  state: 'bypassed',
  causes: [
    { code: 'use_local_image_pull', message: 'CRI pulls by itself.' },
    { code: 'canary_stale', message: 'Too old.' },
  ],
  provedAt: null,
};
const UNKNOWN: EnforcementReport = {
  state: 'unknown',
  causes: [{ code: 'canary_pending', message: 'Wait.' }],
  provedAt: null,
};

function conditionOf(...[report, before]: [EnforcementReport, ('True' | 'False' | 'Unknown')?]) {
  const patch = conditionPatch(report, before, NOW) as {
    status: { conditions: [Record<string, string>] };
  };
  return patch.status.conditions[0];
}

describe('the label', () => {
  it.each([ENFORCING, BYPASSED, UNKNOWN])('is the state: $state', (report) => {
    const labels = { 'nodeseal.io/enforcement': report.state };
    expect(labelPatch(report)).toEqual({ metadata: { labels } });
  });
});

describe('the condition', () => {
  it('is true once it was proved, with the times of Kubernetes', () => {
    expect(conditionPatch(ENFORCING, undefined, NOW)).toEqual({
      status: {
        conditions: [
          {
            type: 'NodesealEnforcing',
            status: 'True',
            reason: 'Proved',
            message: 'Last proved at 2026-08-22T09:30:00Z.',
            lastHeartbeatTime: '2026-08-22T10:00:00Z',
            lastTransitionTime: '2026-08-22T10:00:00Z',
          },
        ],
      },
    });
  });

  it('is false or unknown for its first cause, and tells all', () => {
    expect(conditionOf(BYPASSED)).toMatchObject({
      status: 'False',
      reason: 'UseLocalImagePull',
      message: 'Not proved yet. CRI pulls by itself. Too old.',
    });
    expect(conditionOf(UNKNOWN)).toMatchObject({ status: 'Unknown', reason: 'CanaryPending' });
    expect(conditionOf({ ...UNKNOWN, causes: [] })).toMatchObject({ reason: 'Unknown' });
  });

  it('stays proved beside what speaks against it, and tells that', () => {
    const condition = conditionOf({ ...BYPASSED, state: 'enforcing' });
    expect(condition).toMatchObject({ status: 'True', reason: 'Proved' });
    expect(condition['message']).toContain('CRI pulls by itself.');
  });

  it('keeps the time of the last transition while its status stays', () => {
    expect(conditionOf(BYPASSED, 'True')).toHaveProperty('lastTransitionTime');
    expect(conditionOf(BYPASSED, 'Unknown')).toHaveProperty('lastTransitionTime');
    const same = conditionOf(BYPASSED, 'False');
    expect(same).not.toHaveProperty('lastTransitionTime');
    expect(same).toHaveProperty('lastHeartbeatTime');
  });

  it('has a message of up to 1024 characters', () => {
    const of = (length: number) => {
      const message = 'x'.repeat(length - 'Not proved yet. '.length);
      return conditionOf({ ...UNKNOWN, causes: [{ code: 'canary_pending', message }] })['message'];
    };
    expect(of(1024)).toMatch(/x$/);
    expect(of(1024)).toHaveLength(1024);
    expect(of(1025)).toMatch(/x…$/);
    expect(of(1025)).toHaveLength(1024);
  });

  it('shows any text of a cause well-formed, printable and bounded', () => {
    const text = fc.string({ unit: 'binary', maxLength: 1100 });
    fc.assert(
      fc.property(text, (message) => {
        const causes = [{ code: 'canary_pending', message }];
        const shown = conditionOf({ ...UNKNOWN, causes })['message'] ?? '';
        expect(shown.length).toBeLessThanOrEqual(1024);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });

  it('does not cut a character in two', () => {
    for (const padding of ['', 'x']) {
      const causes = [{ code: 'canary_pending', message: padding + '😀'.repeat(600) }];
      const shown = conditionOf({ ...UNKNOWN, causes })['message'] ?? '';
      expect(shown.isWellFormed()).toBe(true);
      expect(shown).toMatch(/😀…$/u);
    }
  });
});

// Pulls as the log tells of them, line by line, and what each is to be counted as.
import type { PullCount } from '../../agent/audit/pull-settlement.ts';
import { encodeVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import { goQuote, logLine, type LogStatement } from './containerd-log.ts';
import { verdictOf } from './verdict.ts';

/** A line before it is in any log. */
export interface ScenarioLine {
  readonly writer: 'verifier' | 'containerd';
  readonly text: string;
  /** Since the beginning of the pull. */
  readonly afterUs: number;
}

export interface Scenario {
  readonly lines: readonly ScenarioLine[];
  readonly counts: readonly PullCount[];
}

/** The image of a scenario. */
export interface ScenarioImage {
  readonly repository: string;
  readonly digest: Digest;
}

/** Makes a scenario's lines; `startUs` is when it begins. */
export type ScenarioOf = (image: ScenarioImage, startUs: number) => Scenario;

type Step = (image: ScenarioImage, atUs: number) => Omit<ScenarioLine, 'afterUs'>;

const OWN = 'nodeseal-verifier';

function containerd(of: (image: ScenarioImage, atUs: number) => LogStatement): Step {
  return (image, atUs) => {
    const time = `${new Date(atUs / 1000).toISOString().slice(0, -1)}${String(atUs % 1000).padStart(3, '0')}000Z`;
    return { writer: 'containerd', text: logLine({ time, ...of(image, atUs) }) };
  };
}

const nameOf = ({ repository }: ScenarioImage): string => `${repository}:latest`;
const started = containerd((image) => ({ msg: `PullImage ${goQuote(nameOf(image))}` }));
const arrived = containerd((image) => ({
  msg: `ImageCreate event name:${goQuote(nameOf(image))} labels:{key:"k" value:"v"}`,
}));
const finished = containerd((image) => ({
  msg: `Pulled image ${goQuote(nameOf(image))} with image id "sha256:1", repo tag ${goQuote(nameOf(image))}, repo digest ${goQuote(`${image.repository}@${image.digest}`)}, size "1" in 1s`,
}));
const restarted = containerd(() => ({ msg: 'starting containerd', fields: { version: '2.1.9' } }));

const failed = (why: string): Step =>
  containerd((image) => ({
    level: 'error',
    msg: `PullImage ${goQuote(nameOf(image))} failed`,
    fields: {
      error: `rpc error: code = Unknown desc = failed to pull and unpack image ${goQuote(nameOf(image))}: ${why}`,
    },
  }));

const allowed = containerd((image) => ({
  level: 'debug',
  msg: 'Image verifier allowed pull',
  fields: { ...judged(image), ok: true, reason: `${OWN} => fine` },
}));

const blockedBy = (verifier: string): Step =>
  containerd((image) => ({
    level: 'warning',
    msg: 'Image verifier blocked pull',
    fields: {
      ...judged(image),
      ok: false,
      reason: `verifier ${verifier} rejected image (exit code 1): no`,
    },
  }));

const noJudgement = (why: string, runtime: string): Step =>
  containerd((image) => ({
    level: 'error',
    msg: 'No judgement received from verifier',
    fields: {
      ...judged(image),
      error: `failed to call verifier ${OWN} (runtime ${runtime}): ${why}`,
    },
  }));

function judged(image: ScenarioImage) {
  return { digest: image.digest, name: nameOf(image), verifier: 'bindir' };
}

const verdict =
  (decision: 'allow' | 'deny', mode: 'enforce' | 'audit' | 'break_glass' = 'enforce'): Step =>
  (image, atUs) => {
    const reason = decision === 'allow' ? 'verified' : 'signature_missing';
    const time = new Date(atUs / 1000).toISOString();
    const line = encodeVerdictLine(verdictOf({ ...image, decision, reason, time }), {
      ...{ name: nameOf(image), via: 'agent', mode },
    });
    return { writer: 'verifier', text: line };
  };

const STEP_US = 20_000;

function scenario(steps: readonly Step[], ...counts: readonly Partial<PullCount>[]): ScenarioOf {
  return (image, startUs) => ({
    lines: steps.map((step, n) => {
      const afterUs = n * STEP_US;
      return { ...step(image, startUs + afterUs), afterUs };
    }),
    counts: counts.map((count) => ({ judgement: 'allow', cause: '', mode: 'enforce', ...count })),
  });
}

const BLOCKED = 'image verifier bindir blocked pull';

/** Each with one pull. */
export const SCENARIOS: Readonly<Record<string, ScenarioOf>> = {
  'allowed, by kubelet': scenario([started, verdict('allow'), arrived, finished], {}),
  'allowed, at level debug': scenario([started, verdict('allow'), allowed, arrived, finished], {}),
  'allowed, and the registry broke off': scenario(
    [started, verdict('allow'), failed('failed to copy: unexpected EOF')],
    {},
  ),
  'allowed, by ctr': scenario([verdict('allow'), arrived], {}),
  'allowed, the pause image': scenario([verdict('allow'), arrived, finished], {}),
  'allowed under break-glass': scenario(
    [started, verdict('allow', 'break_glass'), arrived, finished],
    { mode: 'break_glass' },
  ),
  'denied, by kubelet': scenario([started, verdict('deny'), blockedBy(OWN), failed(BLOCKED)], {
    judgement: 'deny',
  }),
  'denied, by ctr': scenario([verdict('deny'), blockedBy(OWN)], { judgement: 'deny' }),
  'denied in audit mode': scenario([started, verdict('deny', 'audit'), arrived, finished], {
    ...{ judgement: 'deny', mode: 'audit' },
  }),
  'blocked, and the verdict is lost': scenario([started, blockedBy(OWN), failed(BLOCKED)], {
    ...{ judgement: 'blocked', cause: 'verdict_lost', mode: 'none' },
  }),
  'blocked by another verifier after ours': scenario(
    [started, verdict('allow'), blockedBy('zz'), failed(BLOCKED)],
    {},
  ),
  'blocked by another verifier before ours': scenario([started, blockedBy('aa'), failed(BLOCKED)], {
    ...{ judgement: 'blocked', cause: 'other_verifier', mode: 'none' },
  }),
  'a timeout': scenario(
    [
      started,
      noJudgement('waiting on command to exit: signal: killed', '10.002s'),
      failed('image verifier bindir returned error'),
    ],
    { judgement: 'no_judgement', cause: 'timeout', mode: 'none' },
  ),
  'a verifier that cannot start': scenario(
    [
      started,
      noJudgement('starting process: fork/exec /b: permission denied', '1ms'),
      failed('image verifier bindir returned error'),
    ],
    { judgement: 'no_judgement', cause: 'exec_failed', mode: 'none' },
  ),
  'killed after its verdict': scenario(
    [
      started,
      verdict('allow'),
      noJudgement('waiting on command to exit: signal: killed', '25ms'),
      failed('image verifier bindir returned error'),
    ],
    {},
  ),
  unjudged: scenario([started, arrived, finished], { judgement: 'unjudged', mode: 'none' }),
  'unjudged, the pause image': scenario([arrived, finished], {
    ...{ judgement: 'unjudged', mode: 'none' },
  }),
  'not there': scenario([started, failed('failed to resolve image: not found')], {
    ...{ judgement: 'not_reached', mode: 'none' },
  }),
  'cut off by a restart': scenario([started, restarted], {
    ...{ judgement: 'not_reached', mode: 'none' },
  }),
};

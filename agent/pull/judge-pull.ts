// Who judges a pull: the agent, and where it cannot, this process with what the host holds.
import { AgentError } from '../errors.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import type { VerdictVia } from '../node/journald/verdict-line.ts';
import { askAgent } from './ask-agent.ts';
import type { Invocation } from './invocation.ts';
import { type PullMode, stricterMode } from './mode.ts';
import type { VerifierSettings } from './verifier-settings.ts';

/** The verdict, where it comes from, and whether the pull is bound by it. */
export interface JudgedPull {
  readonly verdict: Verdict;
  readonly via: VerdictVia;
  readonly mode: PullMode;
}

/**
 * containerd kills a verifier after 10 s (`per_verifier_timeout`), and a killed one gives no reason.
 * What is left of it is for starting, writing the verdict and a busy node.
 */
const DEADLINE_MS = 8_500;
/** A warm agent answers in milliseconds; a stuck one must leave the host time for a cold start. */
const AGENT_DEADLINE_MS = 5_000;
/** The verifier ends itself at its signal; this ends one that does not. */
const BACKSTOP_MS = 250;

/**
 * Judges a pull. Times are counted from `started`, on the clock of `performance.now()`. A verdict of
 * the agent that is inconclusive is only kept when the host cannot tell either: a pod may lack the
 * network or the name service that the node has. Of two modes the stricter holds. `notice` is told
 * why the agent was of no help, and what is wrong with a source of credentials.
 * Throws what keeps the host from judging, or `deadline_exceeded`.
 */
export async function judgePull(
  invocation: Invocation,
  settings: VerifierSettings,
  started: number,
  notice: (reason: string) => void,
): Promise<JudgedPull> {
  const asked = judgeByAgent(invocation, settings, started + AGENT_DEADLINE_MS, notice);
  const mode = asked === null ? settings.mode : stricterMode(settings.mode, asked.mode);
  if (asked !== null && !isUndecided(asked.verdict)) {
    return { verdict: asked.verdict, via: 'agent', mode };
  }
  const own = judgeByHost(invocation, settings, started + DEADLINE_MS, notice);
  if (asked === null) return { verdict: await own, via: 'host', mode };
  const agents = asked.verdict;
  notice(`agent: ${agents.reason}: ${agents.message}`);
  const verdict = await own.catch(() => agents);
  return isUndecided(verdict)
    ? { verdict: agents, via: 'agent', mode }
    : { verdict, via: 'host', mode };
}

function isUndecided({ decision, inconclusive }: Verdict): boolean {
  return decision === 'deny' && inconclusive;
}

interface AgentsJudgement {
  readonly verdict: Verdict;
  readonly mode: PullMode;
}

function judgeByAgent(
  { name, descriptor }: Invocation,
  { agentSocket }: VerifierSettings,
  deadline: number,
  notice: (reason: string) => void,
): AgentsJudgement | null {
  // The agent is told what containerd resolved, never left to resolve it again.
  if (descriptor === undefined) return null;
  try {
    const answer = askAgent(agentSocket, { name, descriptor }, deadline);
    if ('verdict' in answer) {
      return { verdict: verdictOnDigest(answer.verdict, descriptor.digest), mode: answer.mode };
    }
    notice(`agent: ${answer.error.code}: ${answer.error.message}`);
  } catch (error) {
    // Whatever is wrong with the agent, the host judges by itself.
    notice(String(error));
  }
  return null;
}

/** A verdict on another image must not pass for one on this. */
function verdictOnDigest(verdict: Verdict, digest: string): Verdict {
  if (verdict.digest === digest) return verdict;
  throw new AgentError(
    'agent_unavailable',
    `answer from the agent: expected a verdict on ${digest}, found ${String(verdict.digest)}`,
  );
}

async function judgeByHost(
  invocation: Invocation,
  settings: VerifierSettings,
  deadline: number,
  notice: (reason: string) => void,
): Promise<Verdict> {
  const leftMs = Math.max(deadline - performance.now(), 1);
  // Loaded only now: it costs more time than the agent's answer.
  const late = await import('./loaded-late.ts');
  const verdict = late.judgeByHost(invocation, settings, AbortSignal.timeout(leftMs), notice);
  return Promise.race([verdict, rejectAfter(leftMs + BACKSTOP_MS)]);
}

function rejectAfter(timeoutMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => {
      reject(new AgentError('deadline_exceeded', `verdict: expected within ${DEADLINE_MS} ms`));
    }, timeoutMs);
  });
}

// The signatures of an image in order of preference, several of them fetched at a time.
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Preferred } from './preference.ts';
import { ByteBudget } from './signature-limits.ts';
import {
  fetchSignature,
  keptSignature,
  type LargeSignature,
  type SignatureCandidate,
  type SignatureSource,
} from './signatures.ts';

/**
 * Gives one candidate for every descriptor, always in the same order, whichever comes first: as
 * they were listed, but those that are unusually large or slow after all others, one by one, so
 * that they neither hide nor delay them. A likely first one is fetched alone: it is most often good,
 * and then the others cost no request. Whoever stops early stops the rest: nothing is under way
 * any more once the generator has returned. Throws only when `signal` ends it.
 */
export async function* candidates(
  source: SignatureSource,
  preferred: Preferred,
  signal: AbortSignal,
): AsyncGenerator<SignatureCandidate, void> {
  const deferred: Descriptor[] = [];
  for await (const [descriptor, candidate] of promptly(source, preferred, signal)) {
    if (candidate === undefined) deferred.push(descriptor);
    else yield candidate;
  }
  const budget = new ByteBudget(source.limits.largeBytes);
  for (const descriptor of deferred) {
    const candidate = await fetchSignature(source, descriptor, budget, signal);
    yield candidate.kind === 'large' ? tooLarge(source, descriptor) : candidate;
  }
}

type Prompt = readonly [Descriptor, SignatureCandidate | undefined];

/** Fetches ahead of what is asked for; `undefined` stands for one to come back to. */
async function* promptly(
  source: SignatureSource,
  { descriptors, startsLikely }: Preferred,
  signal: AbortSignal,
): AsyncGenerator<Prompt, void> {
  const [only] = descriptors;
  if (only !== undefined && descriptors.length === 1) {
    // Nobody waits behind a single one: it has all the time there is, and no others to stop.
    yield fetchOrdinary(source, only, signal);
    return;
  }
  const stragglers = new AbortController();
  const within = AbortSignal.any([signal, stragglers.signal]);
  const flights: Promise<Prompt>[] = [];
  let next = 0;
  try {
    while (flights.length > 0 || next < descriptors.length) {
      const head = flights.length === 0 ? descriptors[next] : undefined;
      const kept = head === undefined ? undefined : keptSignature(source, head);
      if (head !== undefined && kept !== undefined) {
        // Most often it is good, and then what is behind it must not cost a request.
        yield [head, { kind: 'fetched', signature: kept }];
        next++;
        continue;
      }
      const atOnce = next === 0 && startsLikely ? 1 : source.limits.concurrent;
      const ahead = descriptors.slice(next, next + atOnce - flights.length);
      flights.push(...ahead.map((descriptor) => start(source, descriptor, within)));
      next += ahead.length;
      const flight = flights.shift();
      if (flight !== undefined) yield await flight;
    }
  } finally {
    stragglers.abort();
    await Promise.allSettled(flights);
  }
}

function start(
  source: SignatureSource,
  descriptor: Descriptor,
  within: AbortSignal,
): Promise<Prompt> {
  const flight = fetchPromptly(source, descriptor, within);
  // It may fail before anybody asks for it.
  flight.catch(() => undefined);
  return flight;
}

function fetchPromptly(
  source: SignatureSource,
  descriptor: Descriptor,
  within: AbortSignal,
): Promise<Prompt> {
  return withDeadline(within, source.limits.promptMs, async (signal) => {
    try {
      return await fetchOrdinary(source, descriptor, signal);
    } catch (error) {
      const isLate = signal.aborted && !within.aborted && error instanceof AgentError;
      if (!isLate) throw error;
      return [descriptor, undefined];
    }
  });
}

async function fetchOrdinary(
  source: SignatureSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Prompt> {
  const budget = new ByteBudget(source.limits.ordinaryBytes);
  return [descriptor, promptOf(await fetchSignature(source, descriptor, budget, signal))];
}

function promptOf(candidate: SignatureCandidate | LargeSignature): SignatureCandidate | undefined {
  return candidate.kind === 'large' ? undefined : candidate;
}

function tooLarge({ limits }: SignatureSource, { digest }: Descriptor): SignatureCandidate {
  const fault = `expected at most ${limits.largeBytes} bytes for all large signatures of an image, found more`;
  const error = new AgentError('content_too_large', `signature manifest ${digest}: ${fault}`);
  return { kind: 'unusable', signature: digest, error };
}

// The webhook's own certificates as its replicas hold them together, and what is to be done about them next. Pure.
import type { ServingCertificate } from './server.ts';

/** From when to when a certificate is good, and for which names. */
export interface CertificateFacts {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names. */
  readonly names: readonly string[];
}

/** A certificate and its key, read. */
export interface HeldCertificate extends ServingCertificate, CertificateFacts {}

/**
 * What the Secret holds. A replica may serve any of those that are trusted here, so one is trusted before
 * anybody serves it, and for as long as somebody may.
 */
export interface HeldCertificates {
  /** What is served. */
  readonly current?: HeldCertificate;
  /** What will be, once everybody trusts it. */
  readonly next?: HeldCertificate;
  /** PEM of what was served before, without its key. */
  readonly previous?: string;
}

/** How long a certificate is good, and at which part of that its successor is made. */
export const LIFETIME_MS = 90 * 24 * 60 * 60_000;
const RENEW_AT = 2 / 3;
/** Clocks of API servers may be behind: a certificate begins that long before it is made. */
export const PREDATED_MS = 10 * 60_000;
/**
 * Before it is served: API servers learn within seconds of what they are to trust, and replicas look at
 * the Secret each half minute.
 */
export const PUBLISHED_MS = 10 * 60_000;

/** What comes next; `keep` most of the time. */
export type CertificateStep = 'keep' | 'create' | 'prepare' | 'switch';

/** Decides. A certificate that is for other names than it should be is as good as expired. */
export function nextStep(
  { current, next }: HeldCertificates,
  names: readonly string[],
  now: Date,
): CertificateStep {
  const isGood = (one: HeldCertificate | undefined): one is HeldCertificate =>
    one !== undefined && one.notAfter > now && names.every((name) => one.names.includes(name));
  if (!isGood(current)) return isGood(next) ? 'switch' : 'create';
  if (!isGood(next)) return renewalOf(current) <= now.getTime() ? 'prepare' : 'keep';
  return next.notBefore.getTime() + PREDATED_MS + PUBLISHED_MS <= now.getTime() ? 'switch' : 'keep';
}

/** Takes the step; `fresh` is asked where it needs another certificate. */
export function takeStep(
  held: HeldCertificates,
  step: CertificateStep,
  fresh: () => HeldCertificate,
): HeldCertificates {
  const { current, next } = held;
  const previous = current === undefined ? {} : { previous: current.certificate };
  switch (step) {
    case 'keep':
      return held;
    case 'create':
      return { current: fresh(), ...previous };
    case 'prepare':
      return { ...held, next: fresh() };
    case 'switch':
      return next === undefined ? held : { current: next, ...previous };
  }
}

/** All that API servers are to trust, as PEM. */
export function caBundle({ current, next, previous }: HeldCertificates): string {
  const parts = [current?.certificate, next?.certificate, previous];
  return parts.flatMap((part) => (part === undefined ? [] : [`${part.trim()}\n`])).join('');
}

function renewalOf({ notBefore, notAfter }: HeldCertificate): number {
  const [from, to] = [notBefore.getTime(), notAfter.getTime()];
  return from + (to - from) * RENEW_AT;
}

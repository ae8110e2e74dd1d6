// The webhook's own certificate: what it says, how it is kept, and what is done about it when.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  certificateEntries,
  parseCertificateEntries,
} from '../../agent/webhook/certificate-entries.ts';
import {
  caBundle,
  type HeldCertificates,
  LIFETIME_MS,
  nextStep,
  PUBLISHED_MS,
  takeStep,
} from '../../agent/webhook/held-certificates.ts';
import {
  certificateFacts,
  createServingCertificate,
  heldCertificate,
} from '../../agent/webhook/serving-key.ts';
import { expectCode } from '../support/expect-code.ts';
import { temporaryDirectory } from '../support/front-door.ts';

const NAMES = ['nodeseal-webhook.nodeseal.svc', 'nodeseal-webhook.nodeseal.svc.cluster.local'];
const NOW = new Date('2026-06-01T00:00:00Z');
const DAY_MS = 24 * 60 * 60_000;
const after = (ms: number) => new Date(NOW.getTime() + ms);
const fresh = (now = NOW, names: readonly string[] = NAMES) =>
  heldCertificate(createServingCertificate(names, now, LIFETIME_MS));
const FIRST = fresh();

describe('the webhook’s own certificate', () => {
  it('is for TLS servers of its names, vouches for itself and for nobody else', () => {
    const { certificate } = FIRST;
    const read = new X509Certificate(certificate);
    expect(read.subjectAltName).toBe(NAMES.map((name) => `DNS:${name}`).join(', '));
    expect(read).toMatchObject({ ca: false, keyUsage: ['1.3.6.1.5.5.7.3.1'] });
    expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkHost(NAMES[0] ?? '')).toBe(NAMES[0]);
    expect(certificateFacts(certificate)).toEqual({
      notBefore: after(-10 * 60_000),
      notAfter: after(LIFETIME_MS),
      names: NAMES,
    });
  });

  it('is good to OpenSSL, as strict as that can be', () => {
    const path = join(temporaryDirectory(), 'certificate.pem');
    writeFileSync(path, FIRST.certificate);
    const at = String(after(DAY_MS).getTime() / 1000);
    const strict = ['-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', '-attime', at];
    const host = ['-verify_hostname', NAMES[1] ?? ''];
    const words = ['verify', '-partial_chain', '-trusted', path, ...strict, ...host, path];
    expect(execFileSync('openssl', words, { encoding: 'utf8' })).toContain(': OK');
  });

  it('has a key of its own each time', () => {
    const other = fresh();
    expect(other.key).not.toBe(FIRST.key);
    expect(new X509Certificate(other.certificate).subject).not.toBe(
      new X509Certificate(FIRST.certificate).subject,
    );
  });

  it.each([
    ['another key', { ...FIRST, key: fresh().key }],
    ['no key', { ...FIRST, key: '' }],
    ['no certificate', { ...FIRST, certificate: '' }],
  ])('is refused with %s', (_, changed) => {
    const { message } = expectCode(() => heldCertificate(changed), 'serving_certificate_invalid');
    expect(message).not.toContain('PRIVATE');
  });
});

describe('the Secret', () => {
  it('holds what was put into it', () => {
    const held: HeldCertificates = { current: FIRST, next: fresh(), previous: fresh().certificate };
    for (const one of [held, { current: FIRST }, {}]) {
      const entries = Object.entries(certificateEntries(one)).flatMap(([key, text]) =>
        text === undefined ? [] : [[key, text] as const],
      );
      expect(parseCertificateEntries(new Map(entries))).toEqual(one);
    }
  });

  it('is as good as empty where it is broken', () => {
    const mixed = new Map([
      ['tls.crt', FIRST.certificate],
      ['tls.key', fresh().key],
      ['next.crt', FIRST.certificate],
      ['previous.crt', 'no certificate'],
    ]);
    expect(parseCertificateEntries(mixed)).toEqual({});
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('tls.crt', 'tls.key'), fc.string()), (entries) => {
        expect(parseCertificateEntries(new Map(Object.entries(entries)))).toEqual({});
      }),
    );
  });
});

describe('the next step', () => {
  const due = after(LIFETIME_MS * 0.7);
  const next = fresh(due);

  it.each<[string, HeldCertificates, Date, string]>([
    ['nothing is there', {}, NOW, 'create'],
    ['all is well', { current: FIRST }, NOW, 'keep'],
    ['a month is left', { current: FIRST }, after(LIFETIME_MS - 31 * DAY_MS), 'keep'],
    ['less is left', { current: FIRST }, after(LIFETIME_MS - 29 * DAY_MS), 'prepare'],
    ['the next is not trusted everywhere yet', { current: FIRST, next }, due, 'keep'],
    ['it is', { current: FIRST, next }, new Date(due.getTime() + PUBLISHED_MS), 'switch'],
    ['all were asleep', { current: FIRST }, after(LIFETIME_MS), 'create'],
    ['they slept in the middle', { current: FIRST, next }, after(LIFETIME_MS), 'switch'],
    ['it is for others', { current: fresh(NOW, ['other.svc']) }, NOW, 'create'],
    ['one name is missing', { current: fresh(NOW, NAMES.slice(1)) }, NOW, 'create'],
    ['the next is for others', { current: FIRST, next: fresh(NOW, ['other.svc']) }, due, 'prepare'],
  ])('when %s', (_, held, now, step) => {
    expect(nextStep(held, NAMES, now)).toBe(step);
  });

  it('serves only what was trusted for a while, and trusts what may still be served', () => {
    let held: HeldCertificates = {};
    let trusted = '';
    let trustedSinceMs = 0;
    for (let hour = 0; hour < 24 * 400; hour += 1) {
      const now = after(hour * 3_600_000);
      const served = held.current;
      held = takeStep(held, nextStep(held, NAMES, now), () => fresh(now));
      if (served !== undefined && held.current !== served) {
        expect(trusted).toContain(held.current?.certificate ?? 'none');
        expect(now.getTime() - trustedSinceMs).toBeGreaterThanOrEqual(PUBLISHED_MS);
        // Replicas that have not looked yet still serve it.
        expect(caBundle(held)).toContain(served.certificate.trim());
      }
      expect(held.current?.notAfter.getTime()).toBeGreaterThan(now.getTime() + 25 * DAY_MS);
      if (caBundle(held) === trusted) continue;
      trusted = caBundle(held);
      trustedSinceMs = now.getTime();
    }
    expect(trusted.match(/BEGIN/g)?.length).toBeLessThanOrEqual(3);
  });
});

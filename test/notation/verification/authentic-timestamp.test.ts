// Timestamp countersignatures: when one is asked for, what it has to say, and who is asked about its authority.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import type { TrustStore } from '../../../agent/notation/verification/authenticity.ts';
import {
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import { createCa } from '../../support/ca.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import { createTsa, type TestTsa, type TokenOptions } from '../../support/tsa.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import {
  ca,
  contextOf,
  evidenceOf,
  NOW,
  outcomesOf,
  PAST,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const AUTHORITY = { scheme: 'notary.x509.signingAuthority' } as const;
const tsa = createTsa();
const otherTsa = createTsa({ name: 'Other TSA' });
/** Its signer can be revoked. */
const watchedTsa = createTsa({ name: 'Watched TSA', signer: { ocspUrl: 'http://ocsp.example' } });
const TRUST = trustIn({
  'ca:acme': ca.root,
  'signingAuthority:acme': ca.root,
  'tsa:time': tsa.root,
  'tsa:watched': watchedTsa.root,
});

/** A statement that names all the stores, with members of signatureVerification. */
function timed(signatureVerification: object = {}) {
  return statementOf({
    trustStores: TRUST.map(({ name }) => name),
    signatureVerification: { level: 'strict', ...signatureVerification },
  });
}

const AUDIT = timed({ level: 'audit' });
const AFTER_EXPIRY = timed({ verifyTimestamp: 'afterCertExpiry' });

function contextWith(changes: Partial<SignatureContext> = {}): SignatureContext {
  return contextOf({ statement: timed(), trust: TRUST, ...changes });
}

function stampedBy(authority: TestTsa, options?: TokenOptions): Partial<EnvelopeOptions> {
  return { timestampToken: (signature) => authority.stamp(signature, options) };
}

async function authenticTimestamp(
  options: Partial<EnvelopeOptions>,
  changes?: Partial<SignatureContext>,
  evidence = evidenceOf(),
): Promise<string | undefined> {
  const outcomes = await outcomesOf(signatureOf(options), contextWith(changes), evidence);
  return outcomes['authenticTimestamp'];
}

const short = ca.issue({ notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: PAST });

describe('a timestamp', () => {
  it.each(['jws', 'cose'] as const)(
    'in %s is verified, and told with its authority',
    async (format) => {
      const signature = signatureOf({ format, ...stampedBy(tsa) });
      const { results } = await verifySignature(signature, contextWith(), evidenceOf());
      expect(results[3]).toMatchObject({ type: 'authenticTimestamp', outcome: 'passed' });
      expect(results[3]?.message).toContain('2026-01-02T03:04:06.000Z ± 1000 ms');
      expect(results[3]?.message).toContain('CN=TSA unit');
    },
  );

  it('is not asked for by a statement without a trust store of type tsa', async () => {
    const statement = statementOf({ trustStores: ['ca:acme'] });
    expect(await authenticTimestamp({}, { statement })).toBe('passed');
    const junk = { timestampToken: Buffer.from('junk') };
    expect(await authenticTimestamp(junk, { statement })).toBe('passed');
    const expired = { signer: short, ...stampedBy(tsa) };
    expect(await authenticTimestamp(expired, { statement })).toBe('failed certificate_expired');
  });

  it('is asked for always, also while the certificates are fresh', async () => {
    for (const statement of [timed(), timed({ verifyTimestamp: 'always' })]) {
      expect(await authenticTimestamp(stampedBy(tsa), { statement })).toBe('passed');
      expect(await authenticTimestamp({}, { statement })).toBe('failed timestamp_missing');
    }
  });

  it('is asked for only once a certificate has expired, where the statement says so', async () => {
    const at = (now: Date, options: Partial<EnvelopeOptions> = {}) =>
      authenticTimestamp({ signer: short, ...options }, { statement: AFTER_EXPIRY, now });
    const after = new Date(PAST.getTime() + 1);
    expect(await at(PAST)).toBe('passed');
    expect(await at(PAST, { timestampToken: Buffer.from('junk') })).toBe('passed');
    expect(await at(after)).toBe('failed timestamp_missing');
    expect(await at(after, stampedBy(tsa))).toBe('passed');
  });

  it('is asked for once any certificate of the chain has expired', async () => {
    const aging = createCa({ name: 'Aging', root: { notAfter: PAST } });
    const trust = [...trustIn({ 'ca:acme': aging.root }), ...trustIn({ 'tsa:time': tsa.root })];
    const at = (now: Date, options: Partial<EnvelopeOptions> = {}) =>
      authenticTimestamp(
        { signer: aging.issue(), ...options },
        { statement: AFTER_EXPIRY, trust, now },
      );
    expect(await at(PAST)).toBe('passed');
    expect(await at(NOW)).toBe('failed timestamp_missing');
    expect(await at(NOW, stampedBy(tsa))).toBe('passed');
  });

  it('is no help to a certificate that is not valid yet', async () => {
    const signer = ca.issue({ notBefore: PAST });
    const at = (now: Date) =>
      authenticTimestamp({ signer, ...stampedBy(tsa) }, { statement: AFTER_EXPIRY, now });
    expect(await at(PAST)).toBe('passed');
    expect(await at(new Date(PAST.getTime() - 1))).toBe('failed certificate_expired');
  });

  it('counts only for the signature that it was made for, and whole', async () => {
    const of = (timestampToken: EnvelopeOptions['timestampToken'] & {}) =>
      authenticTimestamp({ timestampToken });
    expect(await of((signature) => tsa.stamp(signature))).toBe('passed');
    expect(await of(tsa.stamp(Buffer.from('another')))).toBe('failed timestamp_mismatch');
    expect(await of((signature) => tsa.stamp(signature).subarray(0, -1))).toBe(
      'failed timestamp_invalid',
    );
  });

  it('counts only by an authority of a trust store of type tsa', async () => {
    const by = (trust: readonly TrustStore[]) => authenticTimestamp(stampedBy(otherTsa), { trust });
    expect(await by([...TRUST, ...trustIn({ 'tsa:more': otherTsa.root })])).toBe('passed');
    expect(await by(TRUST)).toBe('failed timestamp_untrusted');
    const wrongType = trustIn({ 'ca:more': otherTsa.root, 'signingAuthority:more': otherTsa.root });
    expect(await by([...TRUST, ...wrongType])).toBe('failed timestamp_untrusted');
  });

  it('puts the signature where all of its certificates were valid, accuracy included', async () => {
    const [from, until] = [new Date('2026-02-01T00:00:00Z'), new Date('2026-03-01T00:00:00Z')];
    const leaf = ca.issue({ notBefore: from, notAfter: until });
    const authority = createCa({ name: 'Short', root: { notBefore: from, notAfter: until } });
    const trust = [...TRUST, ...trustIn({ 'ca:short': authority.root })];
    for (const signer of [leaf, authority.issue()]) {
      const at = (time: Date, seconds: number) =>
        authenticTimestamp(
          { signer, ...stampedBy(tsa, { info: { time, accuracy: { seconds } } }) },
          { trust },
        );
      const [first, last] = [from, until].map((date) => date.getTime()) as [number, number];
      expect(await at(new Date(first + 2000), 2)).toBe('passed');
      expect(await at(new Date(first + 2000), 3)).toBe('failed certificate_expired');
      expect(await at(new Date(last - 2000), 2)).toBe('passed');
      expect(await at(new Date(last - 2000), 3)).toBe('failed certificate_expired');
    }
  });

  it('is nothing to a signing authority, whose own word on the time counts', async () => {
    const junk = { ...AUTHORITY, timestampToken: Buffer.from('junk') };
    expect(await authenticTimestamp({ ...AUTHORITY })).toBe('passed');
    expect(await authenticTimestamp(junk)).toBe('passed');
    const late = { ...AUTHORITY, authenticSigningTime: NOW, signer: short };
    expect(await authenticTimestamp({ ...late, ...stampedBy(tsa) })).toBe(
      'failed certificate_expired',
    );
    expect(await authenticTimestamp({ ...late, authenticSigningTime: STAMP_TIME })).toBe('passed');
  });
});

describe('the authority of a timestamp', () => {
  const good: RevocationStatus = { kind: 'good', source: 'ocsp' };
  const revoked: RevocationStatus = { kind: 'revoked', at: PAST, source: 'ocsp' };
  const error = new AgentError('revocation_unreachable', 'nobody answers');
  const unknown: RevocationStatus = { kind: 'unknown', error };
  const by = (status: RevocationStatus, statement = timed()) =>
    authenticTimestamp(stampedBy(watchedTsa), { statement }, evidenceOf({ status: () => status }));

  it('must not have been revoked, and that has to be known', async () => {
    expect(await by(good)).toBe('passed');
    expect(await by(revoked)).toBe('failed certificate_revoked');
    expect(await by(unknown)).toBe('inconclusive revocation_unreachable');
  });

  it('is asked about by its own chain and no signing time', async () => {
    const evidence = evidenceOf({ status: () => good });
    await authenticTimestamp(stampedBy(watchedTsa), {}, evidence);
    expect(evidence.asked).toMatchObject([
      { kind: 'revocation', chain: { length: 2 }, authenticSigningTime: undefined },
    ]);
    const [asked] = evidence.asked;
    const subject = asked?.kind === 'revocation' ? asked.chain[0].subject.text : '';
    expect(subject).toContain('CN=Watched TSA unit');
  });

  it('is asked about also where the statement skips or logs revocation', async () => {
    for (const revocation of ['skip', 'log']) {
      const statement = timed({ override: { revocation } });
      expect(await by(good, statement)).toBe('passed');
      expect(await by(revoked, statement)).toBe('failed certificate_revoked');
      expect(await by(unknown, statement)).toBe('inconclusive revocation_unreachable');
    }
  });

  it('that names nobody is not asked about', async () => {
    const evidence = evidenceOf();
    expect(await authenticTimestamp(stampedBy(tsa), {}, evidence)).toBe('passed');
    expect(evidence.asked).toEqual([]);
  });

  it('is not asked about for a signing chain that is not anchored', async () => {
    const evidence = evidenceOf({ status: () => good });
    const ask = (trust: readonly TrustStore[], authority = watchedTsa) =>
      authenticTimestamp(stampedBy(authority), { statement: AUDIT, trust }, evidence);
    const untrusting = TRUST.filter(({ name }) => name !== 'ca:acme');
    expect(await ask(untrusting)).toBe('failed certificate_untrusted');
    expect(await ask(untrusting, tsa)).toBe('passed');
    expect(evidence.asked).toEqual([]);
    expect(await ask(TRUST)).toBe('passed');
    expect(evidence.asked).toHaveLength(1);
  });

  it('is not asked about for a timestamp that does not help', async () => {
    const evidence = evidenceOf({ status: () => good });
    const at = (time: Date) =>
      authenticTimestamp(
        { signer: short, ...stampedBy(watchedTsa, { info: { time } }) },
        {},
        evidence,
      );
    expect(await at(NOW)).toBe('failed certificate_expired');
    expect(evidence.asked).toEqual([]);
    expect(await at(STAMP_TIME)).toBe('passed');
    expect(evidence.asked).toHaveLength(1);
  });
});

describe('a trust store that cannot be loaded', () => {
  const missing = new AgentError('truststore_missing', 'no such store');
  const without = (gone: string) =>
    TRUST.map(({ name, certificates }) => ({
      name,
      certificates: name.startsWith(gone) ? missing : certificates,
    }));
  const outcomes = (
    trust: readonly TrustStore[],
    { statement = timed(), ...options }: Partial<EnvelopeOptions> & { statement?: Statement } = {},
  ) =>
    outcomesOf(signatureOf({ ...stampedBy(tsa), ...options }), contextWith({ trust, statement }));
  type Statement = SignatureContext['statement'];

  it('of type tsa fails the timestamp alone', async () => {
    expect(await outcomes(TRUST)).toMatchObject({ authenticTimestamp: 'passed' });
    const failing = await outcomes(without('tsa:watched'));
    expect(failing).toMatchObject({
      authenticity: 'passed',
      authenticTimestamp: 'failed truststore_missing',
      revocation: 'skipped',
    });
    const logged = await outcomes(without('tsa:'), { statement: timed({ level: 'permissive' }) });
    expect(logged).toMatchObject({
      authenticTimestamp: 'failed truststore_missing',
      revocation: 'passed',
    });
  });

  it('of type tsa is of no consequence where no timestamp is asked for', async () => {
    const trust = without('tsa:');
    const fresh = await outcomes(trust, { statement: AFTER_EXPIRY });
    expect(fresh).toMatchObject({ authenticTimestamp: 'passed', revocation: 'passed' });
    expect(await outcomes(trust, AUTHORITY)).toMatchObject({ authenticTimestamp: 'passed' });
  });

  it('of the other scheme is of no consequence', async () => {
    const passed = { authenticity: 'passed', authenticTimestamp: 'passed', revocation: 'passed' };
    expect(await outcomes(without('signingAuthority:'))).toMatchObject(passed);
    expect(await outcomes(without('ca:'), AUTHORITY)).toMatchObject(passed);
    expect(await outcomes(without('signingAuthority:'), AUTHORITY)).toMatchObject({
      authenticity: 'failed truststore_missing',
    });
    expect(await outcomes(without('ca:'))).toMatchObject({
      authenticity: 'failed truststore_missing',
    });
  });

  it('of certificate authorities does not keep a timestamp from being verified', async () => {
    expect(await outcomes(without('ca:'), { statement: AUDIT })).toMatchObject({
      authenticity: 'failed truststore_missing',
      authenticTimestamp: 'passed',
    });
  });
});

// Revocation of the signing chain: who is asked, when nobody may be, and what the answers come to.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import type { Evidence } from '../../../agent/notation/verification/evidence.ts';
import {
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import {
  ca,
  contextOf,
  evidenceOf,
  NOW,
  otherCa,
  outcomesOf,
  PAST,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const OCSP = { ocspUrl: 'http://ocsp.example' };
const CRL = { crlUrl: 'http://crl.example/1' };
const GOOD: RevocationStatus = { kind: 'good', source: 'ocsp' };
const REVOKED: RevocationStatus = { kind: 'revoked', at: PAST, source: 'crl' };
const UNKNOWN: RevocationStatus = {
  kind: 'unknown',
  error: new AgentError('revocation_unknown', 'the responder does not know'),
};
const watched = ca.issue(OCSP);

async function revocation(
  signer: TestCertificate,
  evidence: Evidence,
  changes: Partial<SignatureContext> = {},
): Promise<string | undefined> {
  return (await outcomesOf(signatureOf({ signer }), contextOf(changes), evidence))['revocation'];
}

const saying = (status: RevocationStatus) => evidenceOf({ status: () => status });

const levels = (override: object = {}) =>
  ['strict', 'permissive', 'audit'].map((level) =>
    statementOf({ signatureVerification: { level, override } }),
  );

describe('the revocation of a signing certificate', () => {
  it.each([OCSP, CRL])('that names %o is asked for, and decides', async (options) => {
    const signer = ca.issue(options);
    expect(await revocation(signer, saying(GOOD))).toBe('passed');
    expect(await revocation(signer, saying({ kind: 'not_revocable' }))).toBe('passed');
    expect(await revocation(signer, saying(REVOKED))).toBe('failed certificate_revoked');
    expect(await revocation(signer, saying(UNKNOWN))).toBe('inconclusive revocation_unknown');
  });

  it('is asked for once, with the whole chain, and told', async () => {
    const deep = createCa({ name: 'Deep', intermediates: 1 });
    const evidence = saying(GOOD);
    const signature = signatureOf({ signer: deep.issue(OCSP) });
    const context = contextOf({ trust: trustIn({ 'ca:acme': deep.root }) });
    const { results } = await verifySignature(signature, context, evidence);
    expect(results[4]?.message).toContain('2 good by OCSP');
    expect(evidence.asked).toMatchObject([{ kind: 'revocation', chain: { length: 3 } }]);
  });

  it('counts whatever is unknown of others', async () => {
    const deep = createCa({ name: 'Deep', intermediates: 1, intermediate: CRL });
    const trust = trustIn({ 'ca:acme': deep.root });
    const of = (leaf: RevocationStatus, issuer: RevocationStatus) =>
      revocation(
        deep.issue(OCSP),
        evidenceOf({ status: ({ extensions }) => (extensions.namesOcsp ? leaf : issuer) }),
        { trust },
      );
    expect(await of(GOOD, GOOD)).toBe('passed');
    expect(await of(UNKNOWN, GOOD)).toBe('inconclusive revocation_unknown');
    expect(await of(UNKNOWN, REVOKED)).toBe('failed certificate_revoked');
    expect(await of(REVOKED, UNKNOWN)).toBe('failed certificate_revoked');
  });

  it('is asked for where an intermediate alone can be revoked', async () => {
    const deep = createCa({ name: 'Deep', intermediates: 1, intermediate: CRL });
    const trust = trustIn({ 'ca:acme': deep.root });
    expect(await revocation(deep.issue(), saying(REVOKED), { trust })).toBe(
      'failed certificate_revoked',
    );
  });

  it('is not asked for where nobody is named, or by the root alone', async () => {
    const named = createCa({ name: 'Named', root: { ...OCSP, ...CRL } });
    const alone = createSelfSigned({ ...OCSP, ...CRL });
    for (const [signer, root] of [
      [ca.issue(), ca.root],
      [named.issue(), named.root],
      [alone, alone],
    ] as const) {
      const evidence = saying(REVOKED);
      const trust = trustIn({ 'ca:acme': root });
      expect(await revocation(signer, evidence, { trust })).toBe('passed');
      expect(evidence.asked).toEqual([]);
    }
  });

  it('is not asked for where the statement skips it', async () => {
    const evidence = saying(REVOKED);
    for (const statement of levels({ revocation: 'skip' })) {
      expect(await revocation(watched, evidence, { statement })).toBe('skipped');
    }
    expect(evidence.asked).toEqual([]);
  });

  it('is not asked for behind an enforced failure', async () => {
    const evidence = saying(GOOD);
    const signature = signatureOf({ signer: watched, expiry: PAST });
    expect((await outcomesOf(signature, contextOf(), evidence))['revocation']).toBe('skipped');
    expect(evidence.asked).toEqual([]);
    const statement = statementOf({
      signatureVerification: { level: 'strict', override: { expiry: 'log' } },
    });
    const logged = await outcomesOf(signature, contextOf({ statement }), evidence);
    expect(logged['revocation']).toBe('passed');
  });

  it('is that of now, unless a signing authority vouches for the time', async () => {
    const timeAsked = async (scheme: string) => {
      const evidence = saying(GOOD);
      const signature = signatureOf({
        signer: watched,
        scheme,
        ...(scheme === 'notary.x509' ? { signingTime: PAST } : { authenticSigningTime: PAST }),
      });
      const trust = trustIn({ 'ca:acme': ca.root, 'signingAuthority:acme': ca.root });
      await verifySignature(signature, contextOf({ trust, now: NOW }), evidence);
      expect(evidence.asked).toHaveLength(1);
      return evidence.asked.map(
        (asked) => asked.kind === 'revocation' && asked.authenticSigningTime,
      );
    };
    expect(await timeAsked('notary.x509')).toEqual([undefined]);
    expect(await timeAsked('notary.x509.signingAuthority')).toEqual([PAST]);
  });

  it('is inconclusive when time ran out, and never judged by a fault of ours', async () => {
    const failing = (error: Error): Evidence => ({
      ...evidenceOf(),
      revocation: () => Promise.reject(error),
    });
    const late = new AgentError('deadline_exceeded', 'no time left');
    expect(await revocation(watched, failing(late))).toBe('inconclusive deadline_exceeded');
    const [, , audit] = levels();
    const fault = revocation(watched, failing(new TypeError('a fault')), {
      statement: audit ?? statementOf(),
    });
    await expect(fault).rejects.toThrow('a fault');
  });
});

describe('a chain that is not anchored in a trust store', () => {
  const stranger = otherCa.issue({ ...OCSP, ...CRL });
  const trusting = trustIn({ 'ca:acme': otherCa.root });
  const statements = [...levels(), ...levels({ authenticity: 'log', revocation: 'enforce' })];

  it('makes no call, at any level', async () => {
    const evidence = saying(GOOD);
    for (const statement of statements) {
      const outcome = await revocation(stranger, evidence, { statement });
      const { authenticity } = statement.signatureVerification.enforcement;
      expect(outcome).toBe(authenticity === 'log' ? 'failed certificate_untrusted' : 'skipped');
    }
    expect(evidence.asked).toEqual([]);
    for (const statement of statements) {
      expect(await revocation(stranger, evidence, { statement, trust: trusting })).toBe('passed');
    }
    expect(evidence.asked).toHaveLength(statements.length);
  });

  it('makes no call for a store of the other scheme, or one that is not there', async () => {
    const evidence = saying(GOOD);
    const [, , audit = statementOf()] = levels();
    const error = new AgentError('truststore_missing', 'no such store');
    for (const trust of [
      trustIn({ 'signingAuthority:acme': otherCa.root, 'tsa:acme': otherCa.root }),
      [...trusting, { name: 'ca:more', certificates: error } as const],
    ]) {
      const outcome = await revocation(stranger, evidence, { statement: audit, trust });
      expect(outcome).toBe('failed certificate_untrusted');
    }
    expect(evidence.asked).toEqual([]);
  });

  it('is judged all the same where nobody would be called', async () => {
    const [, , audit = statementOf()] = levels();
    expect(await revocation(otherCa.issue(), evidenceOf(), { statement: audit })).toBe('passed');
  });

  it('is another thing than an identity that is not trusted, which a level may log', async () => {
    const trustedIdentities = ['x509.subject: C=US,ST=WA,O=Somebody Else'];
    const evidence = saying(GOOD);
    const signatureVerification = { level: 'audit' };
    const statement = statementOf({ trustedIdentities, signatureVerification });
    expect(await revocation(watched, evidence, { statement })).toBe('passed');
    expect(evidence.asked).toHaveLength(1);
  });
});

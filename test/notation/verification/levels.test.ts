// Levels and overrides against every validation that can fail, with real signatures.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { allowFor, denyAll, isGood } from '../../../agent/notation/verification/decision.ts';
import {
  type FetchedSignature,
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import {
  ARTIFACT,
  ca,
  contextOf,
  evidenceOf,
  otherCa,
  outcomesOf,
  PAST,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const YEARS_AGO = new Date('2025-01-01T00:00:00Z');

/** A certificate whose responder never answers. */
const UNTOLD = ca.issue({ ocspUrl: 'http://ocsp.example' });

/** One thing wrong with a signature, and the validation that finds it. */
const FAULTS = {
  integrity: [signatureOf({ target: { ...ARTIFACT, size: 1 } }), 'descriptor_mismatch'],
  authenticity: [signatureOf({ signer: otherCa.issue() }), 'certificate_untrusted'],
  expiry: [signatureOf({ expiry: PAST }), 'signature_expired'],
  authenticTimestamp: [
    signatureOf({ signer: ca.issue({ notBefore: YEARS_AGO, notAfter: PAST }) }),
    'certificate_expired',
  ],
  revocation: [signatureOf({ signer: UNTOLD }), 'revocation_unknown'],
} as const;
type Fault = keyof typeof FAULTS;
const ALL = Object.keys(FAULTS) as Fault[];

function contextAt(level: string, override: Record<string, string> = {}): SignatureContext {
  return contextOf({ statement: statementOf({ signatureVerification: { level, override } }) });
}

const evidence = () =>
  evidenceOf({
    status: ({ extensions }) =>
      extensions.namesOcsp || extensions.namesCrl
        ? { kind: 'unknown', error: new AgentError('revocation_unknown', 'nobody says') }
        : { kind: 'not_revocable' },
  });

async function decide(signature: FetchedSignature, context: SignatureContext) {
  const evaluation = await verifySignature(signature, context, evidence());
  return isGood(evaluation) ? allowFor(evaluation) : denyAll([evaluation]);
}

const DENIED: Readonly<Record<string, readonly Fault[]>> = {
  strict: ALL,
  permissive: ['integrity', 'authenticity'],
  audit: ['integrity'],
};

describe.each(['strict', 'permissive', 'audit'])('level %s', (level) => {
  it('allows a good signature as verified', async () => {
    expect(await decide(signatureOf(), contextAt(level))).toMatchObject({
      decision: 'allow',
      reason: 'verified',
      inconclusive: false,
      signer: 'CN=leaf,O=Example,ST=WA,C=US',
    });
  });

  it.each(ALL)('does what it says about a failure of %s', async (type) => {
    const [signature, code] = FAULTS[type];
    const decided = await decide(signature, contextAt(level));
    const denied = DENIED[level]?.includes(type) === true;
    expect(decided.decision).toBe(denied ? 'deny' : 'allow');
    expect(decided.reason).toBe(denied ? code : 'failure_logged');
    expect(decided.inconclusive).toBe(denied && type === 'revocation');
    const failure = decided.results.find((result) => result.type === type);
    expect(failure).toMatchObject({
      action: denied ? 'enforce' : 'log',
      outcome: type === 'revocation' ? 'inconclusive' : 'failed',
      code,
    });
    // Whoever reads the verdict must find out what was wrong without the results.
    expect(decided.message).toContain(failure?.message);
  });
});

describe('overrides', () => {
  it.each(['authenticity', 'expiry', 'authenticTimestamp', 'revocation'] as const)(
    'of %s to log let pass what strict denies, and to enforce deny what audit lets pass',
    async (type) => {
      const [signature, code] = FAULTS[type];
      const logged = await decide(signature, contextAt('strict', { [type]: 'log' }));
      expect(logged).toMatchObject({ decision: 'allow', reason: 'failure_logged' });
      const enforced = await decide(signature, contextAt('audit', { [type]: 'enforce' }));
      expect(enforced).toMatchObject({ decision: 'deny', reason: code });
    },
  );

  it('of one validation leave the others as the level has them', async () => {
    const context = contextAt('strict', { expiry: 'log' });
    expect((await decide(FAULTS.authenticity[0], context)).reason).toBe('certificate_untrusted');
  });

  it.each([{ ocspUrl: 'http://ocsp.example' }, { crlUrl: 'http://crl.example/1' }])(
    'of revocation to skip accept a certificate with %o as verified',
    async (options) => {
      const signature = signatureOf({ signer: ca.issue(options) });
      expect((await decide(signature, contextAt('strict'))).reason).toBe('revocation_unknown');
      expect(await decide(signature, contextAt('strict', { revocation: 'skip' }))).toMatchObject({
        decision: 'allow',
        reason: 'verified',
      });
    },
  );
});

describe('several failures', () => {
  const everything = signatureOf({
    signer: otherCa.issue({
      notBefore: YEARS_AGO,
      notAfter: PAST,
      crlUrl: 'http://crl.example',
    }),
    expiry: PAST,
  });

  it('are all logged under audit', async () => {
    const context = contextAt('audit');
    expect(await outcomesOf(everything, context, evidence())).toEqual({
      integrity: 'passed',
      authenticity: 'failed certificate_untrusted',
      expiry: 'failed signature_expired',
      authenticTimestamp: 'failed certificate_expired',
      revocation: 'failed certificate_untrusted',
    });
    const { reason, message, results } = await decide(everything, context);
    expect(reason).toBe('failure_logged');
    for (const result of results.slice(1)) {
      expect(message).toContain(`${result.type}: ${result.message}`);
    }
  });

  it('are reported by the first enforced one', async () => {
    const trusting = contextOf({
      statement: statementOf({ signatureVerification: { level: 'strict' } }),
      trust: trustIn({ 'ca:acme': otherCa.root }),
    });
    expect(await outcomesOf(everything, trusting, evidence())).toEqual({
      integrity: 'passed',
      authenticity: 'passed',
      expiry: 'failed signature_expired',
      authenticTimestamp: 'skipped',
      revocation: 'skipped',
    });
    expect((await decide(everything, trusting)).reason).toBe('signature_expired');
    expect((await decide(everything, { ...trusting, now: YEARS_AGO })).reason).toBe(
      'revocation_unknown',
    );
  });
});

// When time alone may change what was found of a signature.
import { describe, expect, it } from 'vitest';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import {
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import {
  ca,
  contextOf,
  evidenceOf,
  NOW,
  otherCa,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

function days(count: number): Date {
  return new Date(NOW.getTime() + count * DAY_MS);
}

function justAfter(date: Date): Date {
  return new Date(date.getTime() + 1);
}

async function endOf(
  options: Partial<EnvelopeOptions> = {},
  changes: Partial<SignatureContext> = {},
  status?: RevocationStatus,
): Promise<Date | null> {
  const evidence = evidenceOf(status && { status: () => status });
  const { validUntil } = await verifySignature(signatureOf(options), contextOf(changes), evidence);
  return validUntil;
}

const EXPIRY = days(30);
const short = ca.issue({ notAfter: days(5) });
const revocable = ca.issue({ ocspUrl: 'http://ocsp.example' });

describe('the end of an evaluation', () => {
  it('is that of the certificates where nothing ends sooner', async () => {
    expect((await endOf())?.getTime()).toBeGreaterThan(days(30).getTime());
  });

  it('is the moment from which on the signature is expired', async () => {
    expect(await endOf({ expiry: EXPIRY })).toEqual(EXPIRY);
    const before = new Date(EXPIRY.getTime() - 1);
    const at = async (now: Date) => {
      const evaluation = await verifySignature(
        signatureOf({ expiry: EXPIRY }),
        contextOf({ now }),
        evidenceOf(),
      );
      return evaluation.results.find(({ type }) => type === 'expiry')?.outcome;
    };
    expect(await at(before)).toBe('passed');
    expect(await at(EXPIRY)).toBe('failed');
  });

  it('is the first moment at which a certificate is valid no more', async () => {
    expect(await endOf({ signer: short, expiry: EXPIRY })).toEqual(justAfter(days(5)));
  });

  it('is the moment at which a certificate becomes valid', async () => {
    const coming = ca.issue({ notBefore: days(2) });
    expect(await endOf({ signer: coming })).toEqual(days(2));
  });

  it.each<RevocationStatus['kind']>(['good', 'revoked'])(
    'is that of the evidence which says %s',
    async (kind) => {
      const validUntil = days(1);
      const status = { kind, source: 'crl', at: NOW, validUntil } as RevocationStatus;
      expect(await endOf({ signer: revocable }, {}, status)).toEqual(justAfter(validUntil));
    },
  );

  it.each([-1, 1])('is when evidence is renewed: %i hours from its end', async (hours) => {
    const renewAt = days(1 + hours / 24);
    const status = { kind: 'good', source: 'crl', validUntil: days(1), renewAt } as const;
    expect(await endOf({ signer: revocable }, {}, status)).toEqual(renewAt);
  });

  it('is not that of certificates under the scheme of a signing authority', async () => {
    const statement = statementOf({ trustStores: ['signingAuthority:acme'] });
    const trust = trustIn({ 'signingAuthority:acme': ca.root });
    const authority = { scheme: 'notary.x509.signingAuthority', signer: short } as const;
    expect(await endOf(authority, { statement, trust })).toBeNull();
    expect(await endOf({ ...authority, expiry: EXPIRY }, { statement, trust })).toEqual(EXPIRY);
  });

  it('is not asked of what was not performed', async () => {
    const trust = trustIn({ 'ca:acme': otherCa.root });
    expect(await endOf({ signer: short, expiry: EXPIRY }, { trust })).toBeNull();
  });

  it('is never over already', async () => {
    const past = { now: days(40) };
    const statement = statementOf({ signatureVerification: { level: 'permissive' } });
    const end = await endOf({ signer: short, expiry: EXPIRY }, { ...past, statement });
    expect(end === null || end > past.now).toBe(true);
  });
});

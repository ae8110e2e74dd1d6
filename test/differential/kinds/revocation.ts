// Kinds about revocation: what OCSP responders and CRLs say, or fail to say.
import type { TestCertificate } from '../../support/certificate.ts';
import {
  type CrlOptions,
  distributionPoints,
  mintCrl,
  type TestCrlEntry,
} from '../../support/crl.ts';
import { integer } from '../../support/der.ts';
import {
  mintOcspDelegate,
  mintOcspResponse,
  ocspError,
  type OcspOptions,
  serialOf,
} from '../../support/ocsp.ts';
import {
  CA,
  intermediateOf,
  leafOf,
  leafOfRoot,
  leafWith,
  minutesFrom,
  selfSigned,
  STRANGER,
} from '../generate/certificates.ts';
import { FORMATS, LEVELS, trusted, world } from '../generate/setup.ts';
import { each, type Given, kind, type Step, values, type WebAnswer } from '../kind.ts';

const DAY_MINUTES = 24 * 60;
const AUTHORITY = 'notary.x509.signingAuthority';

/** How a responder that may answer is chosen. */
const RESPONDERS = {
  'the issuer': () => ({}),
  'the issuer, by its key': () => ({ responderBy: 'key' }),
  'a delegate': () => ({ signer: mintOcspDelegate(CA.root) }),
  'a delegate, by its key': () => ({ signer: mintOcspDelegate(CA.root), responderBy: 'key' }),
} as const satisfies Readonly<Record<string, () => OcspOptions>>;

/** Answers by which nothing is known. */
const USELESS_OCSP = values<(leaf: TestCertificate, now: Date) => WebAnswer>({
  unknown: (leaf) => mintOcspResponse(leaf, CA.root, { status: 'unknown' }),
  expired: (leaf, now) =>
    mintOcspResponse(leaf, CA.root, {
      thisUpdate: minutesFrom(now, -3 * DAY_MINUTES),
      nextUpdate: minutesFrom(now, -DAY_MINUTES),
    }),
  'by a stranger': (leaf) => mintOcspResponse(leaf, CA.root, { signer: STRANGER.root }),
  'by a stranger’s delegate': (leaf) =>
    mintOcspResponse(leaf, CA.root, { signer: mintOcspDelegate(STRANGER.root) }),
  'for another serial number': (leaf) => mintOcspResponse(leaf, CA.root, { serialNumber: 4711n }),
  tampered: (leaf) => flipped(mintOcspResponse(leaf, CA.root)),
  'malformed request': () => ocspError(1),
  'try later': () => ocspError(3),
  unauthorized: () => ocspError(6),
  nothing: () => Buffer.alloc(0),
  'no OCSP': () => Buffer.from('<html>'),
  'cut short': (leaf) => mintOcspResponse(leaf, CA.root).subarray(0, -5),
  'not found': () => ({ status: 404 }),
  'server error': () => ({ status: 500 }),
  'too large': () => Buffer.alloc(100_000),
});

/** CRLs by which nothing is known. */
const USELESS_CRLS = values<(now: Date) => WebAnswer>({
  expired: (now) =>
    mintCrl(CA.root, {
      thisUpdate: minutesFrom(now, -3 * DAY_MINUTES),
      nextUpdate: minutesFrom(now, -DAY_MINUTES),
    }),
  'without nextUpdate': () => mintCrl(CA.root, { nextUpdate: null }),
  'by a stranger': () => mintCrl(STRANGER.root),
  'by a stranger in the name of the issuer': () =>
    mintCrl(CA.root, { signingKey: STRANGER.root.key }),
  tampered: () => flipped(mintCrl(CA.root)),
  'with an unknown critical extension': () =>
    mintCrl(CA.root, {
      extensions: [{ oid: '1.3.6.1.4.1.99999.3', critical: true, value: integer(1) }],
    }),
  nothing: () => Buffer.alloc(0),
  'no CRL': () => Buffer.from('<html>'),
  'cut short': () => mintCrl(CA.root).subarray(0, -5),
  'not found': () => ({ status: 404 }),
});

export const REVOCATION_KINDS = [
  kind({
    name: 'OCSP: good',
    parameters: { format: FORMATS, level: LEVELS, by: RESPONDERS },
    build: ({ format, level, by }, given) =>
      judged(given, format, level, 'nothing', withOcsp(given, answering(by()))),
  }),
  kind({
    name: 'OCSP: revoked',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      by: RESPONDERS,
      reason: { none: undefined, keyCompromise: 1, hold: 6 },
    },
    build: ({ format, level, by, reason }, given) => {
      const options: OcspOptions = {
        ...by(),
        status: 'revoked',
        ...(reason === undefined ? {} : { reason }),
      };
      return judged(given, format, level, 'revocation', withOcsp(given, answering(options)));
    },
  }),
  kind({
    name: 'OCSP: an answer that tells nothing',
    parameters: { format: FORMATS, level: LEVELS, answer: USELESS_OCSP },
    build: ({ format, level, answer }, given) =>
      judged(
        given,
        format,
        level,
        'revocation',
        withOcsp(given, (leaf) => answer(leaf, given.now)),
      ),
  }),
  kind({
    name: 'OCSP: an answer by another hash than was asked by',
    parameters: { format: FORMATS, hash: each('sha256') },
    build: ({ format, hash }, given) =>
      judged(given, format, 'strict', 'nothing', withOcsp(given, answering({ hash }))),
  }),
  kind({
    name: 'OCSP: an answer by a hash that nobody asks by',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      judged(given, format, 'strict', 'revocation', withOcsp(given, answering({ hash: 'sha512' }))),
  }),
  kind({
    name: 'OCSP: an answer without nextUpdate',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      judged(given, format, level, 'revocation', withOcsp(given, answering({ nextUpdate: null }))),
  }),
  kind({
    name: 'OCSP: a delegate that may not answer',
    parameters: {
      format: FORMATS,
      delegate: values<(now: Date) => OcspOptions>({
        'without id-kp-OCSPSigning': () => ({
          signer: mintOcspDelegate(CA.root, { extendedKeyUsage: null }),
        }),
        'for code signing': () => ({ signer: leafWith() }),
        expired: (now) => ({
          signer: mintOcspDelegate(CA.root, {
            notBefore: minutesFrom(now, -3 * DAY_MINUTES),
            notAfter: minutesFrom(now, -DAY_MINUTES),
          }),
        }),
      }),
    },
    build: ({ format, delegate }, given) =>
      judged(
        given,
        format,
        'strict',
        'revocation',
        withOcsp(given, answering(delegate(given.now))),
      ),
  }),
  kind({
    name: 'OCSP: an answer for another issuer',
    parameters: {
      format: FORMATS,
      of: values<OcspOptions>({
        'another key': { keyOf: STRANGER.root },
        'another name': { nameOf: STRANGER.root },
      }),
    },
    build: ({ format, of }, given) =>
      judged(given, format, 'strict', 'revocation', withOcsp(given, answering(of))),
  }),
  kind({
    name: 'OCSP: an answer from the future',
    parameters: { format: FORMATS, minutes: { 'an hour': 60, 'a day': DAY_MINUTES } },
    build: ({ format, minutes }, given) => {
      const options = {
        thisUpdate: minutesFrom(given.now, minutes),
        nextUpdate: minutesFrom(given.now, minutes + 60),
      };
      return judged(given, format, 'strict', 'revocation', withOcsp(given, answering(options)));
    },
  }),
  kind({
    name: 'OCSP: a responder that is not to be asked',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      url: each(
        'https://127.0.0.1:1/',
        'ldap://127.0.0.1/',
        'ftp://127.0.0.1/',
        'http://127.0.0.1:1/',
      ),
    },
    build: ({ format, level, url }, given) =>
      judged(given, format, level, 'revocation', leafWith({ ocspUrl: url })),
  }),
  kind({
    name: 'OCSP: a responder that is silent',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      judged(
        given,
        'jws',
        level,
        'revocation',
        withOcsp(given, () => 'silence'),
      ),
  }),
  kind({
    name: 'OCSP tells nothing, the CRL does',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      ocsp: each('unknown', 'server error', 'expired', 'by a stranger'),
      crl: each('good', 'revoked'),
    },
    build: ({ format, level, ocsp, crl }, given) => {
      const signer = withBoth(
        given,
        (leaf) => USELESS_OCSP[ocsp]?.(leaf, given.now) ?? 'silence',
        (leaf) => listing(crl === 'revoked' ? [{ serialNumber: serialOf(leaf) }] : []),
      );
      return judged(given, format, level, crl === 'revoked' ? 'revocation' : 'nothing', signer);
    },
  }),
  kind({
    name: 'OCSP is good, the CRL is not asked',
    parameters: { format: FORMATS, crl: each('revoked', 'not found') },
    build: ({ format, crl }, given) => {
      const signer = withBoth(given, answering({}), (leaf) =>
        crl === 'revoked' ? listing([{ serialNumber: serialOf(leaf) }]) : { status: 404 },
      );
      return judged(given, format, 'strict', 'nothing', signer);
    },
  }),
  kind({
    name: 'CRL: not in it',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      entries: values<readonly TestCrlEntry[]>({
        empty: [],
        others: [{ serialNumber: 4711 }, { serialNumber: 4712, reason: 1 }],
      }),
    },
    build: ({ format, level, entries }, given) =>
      judged(
        given,
        format,
        level,
        'nothing',
        withCrl(given, () => listing(entries)),
      ),
  }),
  kind({
    name: 'CRL: in it',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      reason: { none: undefined, keyCompromise: 1, superseded: 4, hold: 6 },
    },
    build: ({ format, level, reason }, given) => {
      const signer = withCrl(given, (leaf) => {
        const serialNumber = serialOf(leaf);
        return listing([
          { serialNumber: 4711 },
          { serialNumber, ...(reason === undefined ? {} : { reason }) },
        ]);
      });
      return judged(given, format, level, 'revocation', signer);
    },
  }),
  kind({
    name: 'CRL: one that tells nothing',
    parameters: { format: FORMATS, level: LEVELS, crl: USELESS_CRLS },
    build: ({ format, level, crl }, given) =>
      judged(
        given,
        format,
        level,
        'revocation',
        withCrl(given, () => crl(given.now)),
      ),
  }),
  kind({
    name: 'CRL: one of two addresses fails',
    parameters: { format: FORMATS, level: LEVELS, fails: each('first', 'second') },
    build: ({ format, level, fails }, given) => {
      const good = given.serve(() => listing([]));
      const bad = given.serve(() => ({ status: 404 }));
      const uris = fails === 'first' ? [bad, good] : [good, bad];
      const value = distributionPoints(uris.map((uri) => [uri]));
      const signer = leafWith({ extensions: [{ oid: '2.5.29.31', critical: false, value }] });
      return judged(given, format, level, 'revocation', signer);
    },
  }),
  kind({
    name: 'CRL: a delta of it',
    parameters: { format: FORMATS, delta: each('revokes', 'says nothing', 'is missing') },
    build: ({ format, delta }, given) => {
      const signer = withCrl(given, (leaf) => {
        const entries = delta === 'revokes' ? [{ serialNumber: serialOf(leaf) }] : [];
        const freshest = given.serve(() =>
          delta === 'is missing'
            ? { status: 404 }
            : listing(entries, { number: 11, deltaBase: 10 }),
        );
        return listing([], { freshest: [freshest] });
      });
      return judged(
        given,
        format,
        'strict',
        delta === 'says nothing' ? 'nothing' : 'revocation',
        signer,
      );
    },
  }),
  kind({
    name: 'revoked intermediate',
    parameters: { format: FORMATS, level: LEVELS, by: each('OCSP', 'CRL') },
    build: ({ format, level, by }, given) => {
      let answer: WebAnswer = 'silence';
      const url = given.serve(() => answer);
      const issuer = intermediateOf(CA.root, 1, by === 'OCSP' ? { ocspUrl: url } : { crlUrl: url });
      answer =
        by === 'OCSP'
          ? mintOcspResponse(issuer, CA.root, { status: 'revoked' })
          : listing([{ serialNumber: serialOf(issuer) }]);
      return judged(given, format, level, 'revocation', leafOf(issuer));
    },
  }),
  kind({
    name: 'revocation that nobody is asked about',
    parameters: { format: FORMATS, level: LEVELS, of: each('a self-signed leaf', 'the root') },
    build: ({ format, level, of }, given) => {
      const options = {
        ocspUrl: given.serve(() => ({ status: 500 })),
        crlUrl: given.serve(() => ({ status: 500 })),
      };
      const signer = of === 'the root' ? leafOfRoot(options) : selfSigned(options);
      return judged(given, format, level, 'nothing', signer);
    },
  }),
  kind({
    name: 'override of revocation',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      action: each('enforce', 'log', 'skip'),
      status: each('good', 'revoked', 'unknown'),
    },
    build: ({ format, level, action, status }, given) => {
      const fault = status === 'good' || action === 'skip' ? 'nothing' : 'revocation';
      const signatureVerification = { level, override: { revocation: action } };
      return world(given, {
        fault,
        signature: { format, signer: withOcsp(given, answering({ status })) },
        statement: { signatureVerification },
      });
    },
  }),
  kind({
    name: 'untrusted chain whose revocation is enforced',
    parameters: { format: FORMATS, level: each('strict', 'audit') },
    build: ({ format, level }, given) => {
      const override = { authenticity: 'log', revocation: 'enforce' };
      return world(given, {
        // Found first, and only logged; what denies is that nobody may be asked.
        fault: 'authenticity',
        signature: { format, signer: withOcsp(given, answering({})) },
        statement: { signatureVerification: { level, override } },
        stores: { 'ca/acme/root.crt': trusted(STRANGER.root) },
      });
    },
  }),
  kind({
    name: 'invalidity after a signing authority’s time',
    parameters: {
      format: FORMATS,
      by: each('OCSP', 'CRL'),
      invalid: { before: -20 * DAY_MINUTES, after: -DAY_MINUTES },
    },
    build: ({ format, by, invalid }, given) => {
      const invalidityDate = minutesFrom(given.now, invalid);
      const signedAt = minutesFrom(given.now, -10 * DAY_MINUTES);
      const signer =
        by === 'OCSP'
          ? withOcsp(given, answering({ status: 'revoked', invalidityDate }))
          : withCrl(given, (leaf) => listing([{ serialNumber: serialOf(leaf), invalidityDate }]));
      const { stores, ...setup } = world(given, {
        fault: invalidityDate < signedAt ? 'revocation' : 'nothing',
        signature: { format, signer, scheme: AUTHORITY, authenticSigningTime: signedAt },
        statement: { trustStores: ['signingAuthority:acme'] },
      });
      const root = stores['ca/acme/root.crt'] ?? 'directory';
      return { ...setup, stores: { 'signingAuthority/acme/root.crt': root } };
    },
  }),
];

function judged(
  given: Given,
  format: 'jws' | 'cose',
  level: string,
  fault: Step,
  signer: TestCertificate,
) {
  return world(given, { level, fault, signature: { format, signer } });
}

function answering(options: OcspOptions): (leaf: TestCertificate) => WebAnswer {
  return (leaf) => mintOcspResponse(leaf, CA.root, options);
}

function listing(entries: readonly TestCrlEntry[], options: CrlOptions = {}): Buffer {
  return mintCrl(CA.root, { entries, ...options });
}

/** A leaf whose OCSP responder answers so. */
function withOcsp(given: Given, answer: (leaf: TestCertificate) => WebAnswer): TestCertificate {
  const signer: TestCertificate = leafWith({ ocspUrl: given.serve(() => answer(signer)) });
  return signer;
}

/** A leaf whose CRL is so. */
function withCrl(given: Given, crl: (leaf: TestCertificate) => WebAnswer): TestCertificate {
  const signer: TestCertificate = leafWith({ crlUrl: given.serve(() => crl(signer)) });
  return signer;
}

function withBoth(
  given: Given,
  answer: (leaf: TestCertificate) => WebAnswer,
  crl: (leaf: TestCertificate) => WebAnswer,
): TestCertificate {
  const signer: TestCertificate = leafWith({
    ocspUrl: given.serve(() => answer(signer)),
    crlUrl: given.serve(() => crl(signer)),
  });
  return signer;
}

function flipped(bytes: Buffer): Buffer {
  // The last bytes are those of the signature.
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  return changed;
}

// Kinds about signed attributes: scheme, times, criticality, content type.
import { cbor, type CborInput } from '../../support/cbor.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import { minutesFrom } from '../generate/certificates.ts';
import { FORMATS, LEVELS, TRUSTS_CA, world } from '../generate/setup.ts';
import { each, kind, values } from '../kind.ts';

const PREFIX = 'io.cncf.notary.';
const SCHEME = `${PREFIX}signingScheme`;
const SIGNING_TIME = `${PREFIX}signingTime`;
const AUTHENTIC_TIME = `${PREFIX}authenticSigningTime`;
const EXPIRY = `${PREFIX}expiry`;
const AUTHORITY = 'notary.x509.signingAuthority';
const YEAR_MINUTES = 365 * 24 * 60;
const TIME = new Date('2026-01-02T03:04:05Z');

/** What a time attribute may hold, by format; null for none. */
type Times = readonly [jws: CborInput, cose: CborInput];

const TIMES: Readonly<Record<string, Times>> = {
  'with an offset': ['2026-01-02T03:04:05+05:00', { tag: 1, value: 1_767_323_045 }],
  'with a fraction': ['2026-01-02T03:04:05.25Z', { tag: 1, value: 1_767_323_045.25 }],
};
const BAD_TIMES: Readonly<Record<string, Times>> = {
  'without a zone': ['2026-01-02T03:04:05', 1_767_323_045],
  'a date alone': ['2026-01-02', '2026-01-02'],
  'a number, or text': [1_767_323_045, '2026-01-02T03:04:05Z'],
  'another form': ['Fri, 02 Jan 2026 03:04:05 GMT', { tag: 0, value: '2026-01-02T03:04:05Z' }],
  'not a day of the calendar': ['2026-02-30T03:04:05Z', { tag: 1, value: 'now' }],
  empty: ['', { tag: 1, value: null }],
};

export const ATTRIBUTE_KINDS = [
  kind({
    name: 'crit that lacks what must be critical, or is none',
    parameters: {
      format: FORMATS,
      crit: {
        absent: null,
        empty: [],
        'without the scheme': [EXPIRY],
        'without the expiry': [SCHEME],
        'no array': SCHEME,
        'of numbers': [SCHEME, EXPIRY, 1.5],
      },
    },
    build: ({ format, crit }, given) => {
      const signature = { format, crit, expiry: minutesFrom(given.now, 60) };
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'crit that lists what is not there',
    parameters: { format: FORMATS, name: each('com.example.absent', EXPIRY, AUTHENTIC_TIME, '') },
    build: ({ format, name }, given) =>
      world(given, { fault: 'integrity', signature: { format, crit: [SCHEME, name] } }),
  }),
  kind({
    name: 'crit that lists a header of JWS itself, or one name twice',
    parameters: { name: each('alg', 'cty', 'crit', SCHEME) },
    build: ({ name }, given) =>
      world(given, { fault: 'integrity', signature: { format: 'jws', crit: [SCHEME, name] } }),
  }),
  kind({
    name: 'signing time marked critical in JWS',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: { format: 'jws', crit: [SCHEME, SIGNING_TIME] },
      }),
  }),
  kind({
    name: 'signing time marked critical in COSE',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: { format: 'cose', crit: [SCHEME, SIGNING_TIME] },
      }),
  }),
  kind({
    name: 'unknown critical attribute',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      name: each('com.example.attribute', 'exp', 'io.cncf.notary.future'),
      value: { text: 'value', number: 7, map: new Map([['a', 1]]), true: true } as const,
    },
    build: ({ format, level, name, value }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          format,
          crit: [SCHEME, name],
          attributes: new Map([[name, format === 'jws' && value instanceof Map ? 'map' : value]]),
        },
      }),
  }),
  kind({
    name: 'unknown attribute that is not critical',
    parameters: {
      format: FORMATS,
      name: each('com.example.attribute', 'exp', 'kid', 'io.cncf.notary.future'),
      value: { text: 'value', number: 7, null: 'null', true: true } as const,
    },
    build: ({ format, name, value }, given) =>
      world(given, { signature: { format, attributes: new Map([[name, value]]) } }),
  }),
  kind({
    name: 'signing scheme that is unknown or none',
    parameters: {
      format: FORMATS,
      scheme: { absent: null, 'notary.x509.v2': 'notary.x509.v2', upper: 'NOTARY.X509', empty: '' },
    },
    build: ({ format, scheme }, given) => {
      const signature = { format, scheme, signingTime: TIME, crit: [SCHEME] };
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'signing time that is none',
    parameters: {
      format: FORMATS,
      authority: { no: false, yes: true } as const,
      time: values<Times>({ absent: [null, null], ...BAD_TIMES }),
    },
    build: ({ format, authority, time }, given) => {
      const written = time[format === 'jws' ? 0 : 1];
      return world(given, {
        fault: 'integrity',
        signature: { format, ...timed(authority, written) },
      });
    },
  }),
  kind({
    name: 'signing time in another form of the same',
    parameters: { format: FORMATS, authority: { no: false, yes: true } as const, time: TIMES },
    build: ({ format, authority, time }, given) =>
      world(given, {
        signature: { format, ...timed(authority, time[format === 'jws' ? 0 : 1]) },
        ...(authority ? forAuthority : {}),
      }),
  }),
  kind({
    name: 'time of the other scheme in JWS',
    parameters: { authority: { no: false, yes: true } as const, level: LEVELS },
    build: ({ authority, level }, given) =>
      world(given, { level, fault: 'integrity', signature: bothTimes('jws', authority) }),
  }),
  kind({
    name: 'time of the other scheme in COSE',
    parameters: { authority: { no: false, yes: true } as const, level: LEVELS },
    build: ({ authority, level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: bothTimes('cose', authority),
        ...(authority ? forAuthority : {}),
      }),
  }),
  kind({
    name: 'expiry to come',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      minutes: { soon: 2, 'in an hour': 60, 'in 50 years': 50 * YEAR_MINUTES },
    },
    build: ({ format, level, minutes }, given) =>
      world(given, { level, signature: { format, expiry: minutesFrom(given.now, minutes) } }),
  }),
  kind({
    name: 'expiry that has passed',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      minutes: { 'just now': 0, 'an hour ago': -60, 'three months ago': -90 * 24 * 60 },
    },
    build: ({ format, level, minutes }, given) =>
      world(given, {
        level,
        fault: 'expiry',
        signature: {
          format,
          signingTime: minutesFrom(given.now, -YEAR_MINUTES),
          expiry: minutesFrom(given.now, minutes),
        },
      }),
  }),
  kind({
    name: 'expiry that is no time, or not after the signing time',
    parameters: { format: FORMATS, level: LEVELS, expiry: each('before', 'the same', 'no time') },
    build: ({ format, level, expiry }, given) => {
      const value = { before: new Date(TIME.getTime() - 1000), 'the same': TIME, 'no time': true };
      const signature = { format, signingTime: TIME, expiry: value[expiry] };
      return world(given, { level, fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'content type of the payload',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      type: {
        absent: null,
        empty: '',
        json: 'application/json',
        v2: 'application/vnd.cncf.notary.payload.v2+json',
        upper: 'APPLICATION/VND.CNCF.NOTARY.PAYLOAD.V1+JSON',
        parameter: 'application/vnd.cncf.notary.payload.v1+json; charset=utf-8',
      },
    },
    build: ({ format, level, type }, given) =>
      world(given, { level, fault: 'integrity', signature: { format, contentType: type } }),
  }),
  kind({
    name: 'signing agent',
    parameters: {
      format: FORMATS,
      agent: { empty: '', long: 'a'.repeat(2000), odd: '\u0007 \u{1f680}' },
    },
    build: ({ format, agent }, given) =>
      world(given, { signature: { format, signingAgent: agent } }),
  }),
  kind({
    name: 'COSE header with an integer label that is unknown',
    parameters: { label: { '4 (kid)': 4, '1000': 1000, '-70000': -70000 } },
    build: ({ label }, given) =>
      world(given, { signature: { format: 'cose', attributes: new Map([[label, cbor('x')]]) } }),
  }),
];

const forAuthority = {
  statement: { trustStores: ['signingAuthority:acme'] },
  stores: Object.fromEntries(
    Object.values(TRUSTS_CA).map((root) => ['signingAuthority/acme/root.crt', root]),
  ),
};

function timed(authority: boolean, time: CborInput | null): Partial<EnvelopeOptions> {
  // The signer leaves out what is null.
  return authority
    ? { scheme: AUTHORITY, authenticSigningTime: time, crit: [SCHEME, AUTHENTIC_TIME] }
    : { signingTime: time };
}

function bothTimes(format: 'jws' | 'cose', authority: boolean): Partial<EnvelopeOptions> {
  return {
    format,
    scheme: authority ? AUTHORITY : 'notary.x509',
    signingTime: TIME,
    authenticSigningTime: TIME,
    // In COSE notation wants a time to be critical whichever scheme it is of.
    crit: [SCHEME, AUTHENTIC_TIME],
  };
}

// Kinds about trusted identities.
import type { SubjectAttributes } from '../../support/certificate.ts';
import { documentOf } from '../../support/trust-policy.ts';
import { leafWith } from '../generate/certificates.ts';
import { FORMATS, LEVELS, statementFor, world } from '../generate/setup.ts';
import { kind, values } from '../kind.ts';

/** The subject of the leaf, in the certificate's order. */
const SUBJECT: SubjectAttributes = [
  ['C', 'US'],
  ['ST', 'WA'],
  ['L', 'Seattle'],
  ['O', 'Example, Inc.'],
  ['OU', 'Containers'],
  ['CN', 'leaf'],
];
const DN = 'C=US, ST=WA, O=Example\\, Inc.';

type Identities = Readonly<Record<string, readonly string[]>>;

const MATCHING: Identities = {
  any: ['*'],
  whole: ['x509.subject: CN=leaf, OU=Containers, O=Example\\, Inc., L=Seattle, ST=WA, C=US'],
  subset: [`x509.subject: ${DN}`],
  'in another order': ['x509.subject: O=Example\\, Inc., C=US, ST=WA'],
  'without blanks': ['x509.subject:C=US,ST=WA,O=Example\\, Inc.'],
  'many blanks': ['x509.subject:   C = US ,  ST=WA ,O=Example\\, Inc.  '],
  'S for ST': ['x509.subject: C=US, S=WA, O=Example\\, Inc.'],
  semicolons: ['x509.subject: C=US; ST=WA; O=Example\\, Inc.'],
  'escaped in hexadecimal': ['x509.subject: C=US, ST=WA, O=Example\\2C Inc.'],
  'the second of two': ['x509.subject: C=DE, ST=BE, O=Other', `x509.subject: ${DN}`],
  'an empty attribute that the leaf lacks': [`x509.subject: ${DN}, STREET=`],
};

const OTHERS: Identities = {
  'another value': ['x509.subject: C=US, ST=WA, O=Example'],
  'another case of a value': ['x509.subject: C=us, ST=WA, O=Example\\, Inc.'],
  'one attribute more': [`x509.subject: ${DN}, STREET=Main`],
  'another common name': [`x509.subject: ${DN}, CN=Leaf`],
  'an empty attribute that the leaf has': [`x509.subject: ${DN}, OU=`],
  'an unknown attribute': [`x509.subject: ${DN}, Custom=x`],
  'a blank within': ['x509.subject: C=US, ST=WA, O=Example\\,  Inc.'],
  'two of them': ['x509.subject: C=DE, ST=BE, O=Other', 'x509.subject: C=FR, ST=IDF, O=Other'],
  quoted: ['x509.subject: C=US, ST=WA, O="Example\\, Inc."'],
};

const MALFORMED: Identities = {
  'any beside another': ['*', `x509.subject: ${DN}`],
  empty: [''],
  'no colon': ['x509.subject'],
  'no name': ['x509.subject:'],
  'an attribute twice': [`x509.subject: ${DN}, C=US`],
  'S beside ST': [`x509.subject: ${DN}, S=WA`],
  'multi-valued': ['x509.subject: C=US, ST=WA+O=Example'],
  hexadecimal: ['x509.subject: C=US, ST=WA, O=#0c0141'],
  'no equals sign': ['x509.subject: C=US, ST=WA, O'],
  'no type': [`x509.subject: ${DN}, =x`],
  'an overlap': [`x509.subject: ${DN}`, `x509.subject: ${DN}, CN=leaf`],
  'the same twice': [`x509.subject: ${DN}`, `x509.subject: ${DN}`],
  'a bad escape': ['x509.subject: C=US, ST=WA, O=Exam\\ple'],
  'an escape at the end': ['x509.subject: C=US, ST=WA, O=Example\\'],
};

const UNUSUAL_SUBJECTS: Readonly<Record<string, SubjectAttributes>> = {
  'two OUs': [...SUBJECT, ['OU', 'Second']],
  'no ST': SUBJECT.filter(([type]) => type !== 'ST'),
  'no C': SUBJECT.filter(([type]) => type !== 'C'),
  'an e-mail address': [...SUBJECT, ['1.2.840.113549.1.9.1', 'signer@example.com']],
  'as extended validation has': [
    ...SUBJECT,
    ['2.5.4.15', 'Private Organization'],
    ['1.3.6.1.4.1.311.60.2.1.3', 'US'],
  ],
};

export const IDENTITY_KINDS = [
  kind({
    name: 'identity that is the leaf’s',
    parameters: { format: FORMATS, level: LEVELS, identities: MATCHING },
    build: ({ format, level, identities }, given) =>
      world(given, {
        level,
        signature: { format, signer: leafWith({ subject: SUBJECT }) },
        statement: { trustedIdentities: identities },
      }),
  }),
  kind({
    name: 'identity that is another’s',
    parameters: { format: FORMATS, level: LEVELS, identities: OTHERS },
    build: ({ format, level, identities }, given) =>
      world(given, {
        level,
        fault: 'authenticity',
        signature: { format, signer: leafWith({ subject: SUBJECT }) },
        statement: { trustedIdentities: identities },
      }),
  }),
  kind({
    name: 'identity that is malformed',
    parameters: { level: LEVELS, identities: MALFORMED },
    build: ({ level, identities }, given) =>
      world(given, {
        level,
        fault: 'policy',
        signature: { signer: leafWith({ subject: SUBJECT }) },
        statement: { trustedIdentities: identities },
      }),
  }),
  kind({
    name: 'identity without C, ST or O',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      identity: {
        'CN alone': 'CN=leaf',
        'without ST': 'C=US, O=Example\\, Inc.',
        'without C': 'ST=WA, O=Example\\, Inc.',
        'without O': 'C=US, ST=WA',
      },
    },
    build: ({ format, level, identity }, given) =>
      world(given, {
        level,
        signature: { format, signer: leafWith({ subject: SUBJECT }) },
        statement: { trustedIdentities: [`x509.subject: ${identity}`] },
      }),
  }),
  kind({
    name: 'identity with an attribute twice, first without a value',
    parameters: { format: FORMATS },
    build: ({ format }, given) => {
      const other = statementFor(given, {
        statement: {
          name: 'other',
          registryScopes: ['example.io/other'],
          trustedIdentities: [`x509.subject: ${DN}, OU=, OU=x`],
        },
      });
      const policy = documentOf([statementFor(given), other]);
      return world(given, { fault: 'policy', signature: { format }, policy });
    },
  }),
  kind({
    name: 'leaf with an unusual subject, pinned by the rest',
    parameters: { format: FORMATS, subject: UNUSUAL_SUBJECTS },
    build: ({ format, subject }, given) => {
      const has = (type: string) => subject.some(([name]) => name === type);
      const dn = [
        has('C') ? 'C=US' : 'L=Seattle',
        has('ST') ? 'ST=WA' : 'L=Seattle',
        'O=Example\\, Inc.',
        'CN=leaf',
      ];
      return world(given, {
        signature: { format, signer: leafWith({ subject }) },
        statement: { trustedIdentities: [`x509.subject: ${[...new Set(dn)].join(', ')}`] },
      });
    },
  }),
  kind({
    name: 'leaf with an unusual subject, any identity trusted',
    parameters: { format: FORMATS, level: LEVELS, subject: UNUSUAL_SUBJECTS },
    build: ({ format, level, subject }, given) =>
      world(given, { level, signature: { format, signer: leafWith({ subject }) } }),
  }),
  kind({
    name: 'leaf whose subject needs escapes',
    parameters: {
      format: FORMATS,
      organization: values<readonly [value: string, written: string]>({
        plus: ['A+B', 'A\\+B'],
        quotes: ['A "B"', 'A \\"B\\"'],
        backslash: ['A\\B', 'A\\\\B'],
        'less and more': ['<A>', '\\<A\\>'],
        semicolon: ['A;B', 'A\\;B'],
        'blanks at both ends': [' A ', '\\ A\\ '],
        'hash first': ['#A', '\\#A'],
        equals: ['A=B', 'A\\=B'],
        umlaut: ['Müller', 'Müller'],
        'umlaut in octets': ['Müller', 'M\\C3\\BCller'],
      }),
    },
    build: ({ format, organization: [value, written] }, given) => {
      const subject: SubjectAttributes = [
        ['C', 'US'],
        ['ST', 'WA'],
        ['O', value],
      ];
      return world(given, {
        signature: { format, signer: leafWith({ subject }) },
        statement: { trustedIdentities: [`x509.subject: C=US, ST=WA, O=${written}`] },
      });
    },
  }),
];

// Kinds about sizes: what is large but allowed, and what is beyond a bound of ours.
import { documentOf } from '../../support/trust-policy.ts';
import { leafWith } from '../generate/certificates.ts';
import { FORMATS, LEVELS, statementFor, world } from '../generate/setup.ts';
import { kind } from '../kind.ts';

const MIB = 1024 * 1024;

export const BOUND_KINDS = [
  kind({
    name: 'large envelope',
    parameters: { format: FORMATS, bytes: { '100 KB': 100_000, '3 MiB': 3 * MIB } },
    build: ({ format, bytes }, given) =>
      world(given, { signature: { format, signingAgent: 'a'.repeat(bytes) } }),
  }),
  kind({
    name: 'envelope above 4 MiB',
    parameters: { format: FORMATS, bytes: { just: 4 * MIB, '5 MiB': 5 * MIB } },
    build: ({ format, bytes }, given) => {
      const signature = { format, signingAgent: 'a'.repeat(bytes) };
      return world(given, { fault: 'signatures', signature });
    },
  }),
  kind({
    name: 'many trusted identities',
    parameters: { format: FORMATS, level: LEVELS, count: { ten: 10, hundred: 100 } },
    build: ({ format, level, count }, given) =>
      world(given, {
        level,
        signature: { format, signer: leafWith() },
        statement: { trustedIdentities: identities(count) },
      }),
  }),
  kind({
    name: 'more than a hundred trusted identities',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      world(given, {
        level,
        fault: 'policy',
        signature: { format },
        statement: { trustedIdentities: identities(101) },
      }),
  }),
  kind({
    name: 'policy with a very long name or scope',
    parameters: {
      format: FORMATS,
      members: {
        name: { name: 'x'.repeat(5000) },
        scope: { registryScopes: [`example.io/${'a'.repeat(3000)}`] },
      },
    },
    build: ({ format, members }, given) => {
      const other = statementFor(given, {
        statement: { name: 'other', registryScopes: ['example.io/other'], ...members },
      });
      const policy = documentOf([statementFor(given), other]);
      return world(given, { fault: 'policy', signature: { format }, policy });
    },
  }),
];

/** The last of them is the leaf's. */
function identities(count: number): string[] {
  const names = Array.from({ length: count - 1 }, (_, number) => `other ${number}`);
  return [...names, 'leaf'].map((name) => `x509.subject: C=US, ST=WA, O=Example, CN=${name}`);
}

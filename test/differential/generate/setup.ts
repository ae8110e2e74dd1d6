// Builds the world of a case from a good one, in which exactly one thing is then changed.
import { createHash } from 'node:crypto';
import type { TestCertificate } from '../../support/certificate.ts';
import type { AttachOptions } from '../../support/registry/content.ts';
import {
  type EnvelopeFormat,
  type EnvelopeOptions,
  MEDIA_TYPES,
  signEnvelope,
} from '../../support/sign-envelope.ts';
import { documentOf, statement, type StatementJson } from '../../support/trust-policy.ts';
import type { PluginOptions } from '../../support/verification-plugin.ts';
import type { Attach, Entry, Given, Setup, Step } from '../kind.ts';
import { CA, leafWith } from './certificates.ts';

export const FORMATS = { jws: 'jws', cose: 'cose' } as const;
export const LEVELS = { strict: 'strict', permissive: 'permissive', audit: 'audit' } as const;

/** What of a good world is changed. */
export interface Changes {
  readonly fault?: Step;
  /** Of the signature; its `format` is JWS unless told. */
  readonly signature?: Partial<EnvelopeOptions>;
  /** In place of the one good signature. */
  readonly signatures?: readonly Attach[];
  /** Of the statement, which trusts `ca:acme` and any identity strictly. */
  readonly statement?: StatementJson;
  /** Shorthand for the statement's level. */
  readonly level?: string;
  /** In place of a document with that statement. */
  readonly policy?: Entry | null;
  /** In place of one store `ca/acme` that holds the root of the chain. */
  readonly stores?: Readonly<Record<string, Entry>>;
  readonly reference?: string;
  /** Default: none is installed. */
  readonly plugins?: readonly PluginOptions[];
}

/** A world in which all is well but for the changes. */
export function world(given: Given, changes: Changes = {}): Setup {
  const signer = changes.signature?.signer ?? leafWith();
  return {
    policy: changes.policy === undefined ? policyFor(given, changes) : changes.policy,
    stores: changes.stores ?? { 'ca/acme/root.crt': trusted(rootOf(signer)) },
    signatures: changes.signatures ?? [signature({ signer, ...changes.signature })],
    plugins: changes.plugins ?? [],
    reference: changes.reference ?? `${given.scope}@${given.image.digest}`,
    fault: changes.fault ?? 'nothing',
  };
}

/** A good signature of the image but for the options. */
export function signature(
  options: Partial<EnvelopeOptions> = {},
  attached: AttachOptions = {},
): Attach {
  return ({ registry, repository, image }) => {
    const whole = { format: 'jws', signer: leafWith(), target: image, ...options } as const;
    const type = MEDIA_TYPES[whole.format];
    registry.attachSignature(repository, image, signEnvelope(whole), type, attached);
  };
}

/** A good signature whose envelope is changed after it was signed. */
export function edited(
  options: Partial<EnvelopeOptions> & { readonly format: EnvelopeFormat },
  edit: (envelope: Buffer) => Uint8Array,
): Attach {
  return ({ registry, repository, image }) => {
    const whole = { signer: leafWith(), target: image, ...options };
    const type = MEDIA_TYPES[whole.format];
    registry.attachSignature(repository, image, edit(signEnvelope(whole)), type);
  };
}

/** The document with the one statement of the case. */
export function policyFor(given: Given, changes: Changes = {}): Uint8Array {
  return documentOf([statementFor(given, changes)]);
}

/** The one statement of the case. */
export function statementFor(given: Given, changes: Changes = {}): StatementJson {
  return statement({
    registryScopes: [given.scope],
    trustedIdentities: ['*'],
    ...(changes.level === undefined ? {} : { signatureVerification: { level: changes.level } }),
    ...changes.statement,
  });
}

/** A certificate as a file of a trust store. */
export function trusted(...certificates: readonly (TestCertificate | Buffer)[]): Uint8Array {
  return Buffer.from(certificates.map((one) => pem('der' in one ? one.der : one)).join(''));
}

/** PEM of DER that may be no certificate at all. */
export function pem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export function rootOf({ chain, der }: TestCertificate): Buffer {
  return chain.at(-1) ?? der;
}

/** The digest of bytes that nobody has. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** The store that trusts the CA of most cases. */
export const TRUSTS_CA: Readonly<Record<string, Entry>> = { 'ca/acme/root.crt': trusted(CA.root) };

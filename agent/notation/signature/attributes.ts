// Signed attributes, the same for both formats: signature-specification.md, "Signed Attributes", and signing-scheme.md.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { parseSemVer } from '../encoding/semver.ts';
import { type AttributeLabel, type SignedHeaders, unexpected } from './decoded-envelope.ts';
import { isoTime } from '../../utc.ts';

export const SIGNING_SCHEMES = ['notary.x509', 'notary.x509.signingAuthority'] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

export interface SignedAttributes {
  readonly signingScheme: SigningScheme;
  /**
   * Under `notary.x509` merely what the signer claims; under `notary.x509.signingAuthority` the
   * authentic signing time, to be believed once the chain is trusted as a signing authority.
   */
  readonly signingTime: Date;
  /** The signature counts before this time. Later than the signing time. */
  readonly expiry?: Date;
  /** The verification plugin without which the signature must not be accepted. */
  readonly verificationPlugin?: string;
  /** A semantic version. Present only beside a plugin. */
  readonly verificationPluginMinVersion?: string;
  /**
   * All attributes that the specification does not define. A critical one is there only beside a
   * plugin, which has to process it, and has a text label.
   */
  readonly extended: readonly ExtendedAttribute[];
}

/** A signed attribute whose meaning only its signer and a plugin know. */
export interface ExtendedAttribute {
  readonly label: AttributeLabel;
  /** A decoded JSON value in JWS, a decoded CBOR value in COSE. */
  readonly value: unknown;
  readonly critical: boolean;
}

const SIGNING_SCHEME = 'io.cncf.notary.signingScheme';
const SIGNING_TIME = 'io.cncf.notary.signingTime';
const AUTHENTIC_SIGNING_TIME = 'io.cncf.notary.authenticSigningTime';
const EXPIRY = 'io.cncf.notary.expiry';
const VERIFICATION_PLUGIN = 'io.cncf.notary.verificationPlugin';
const VERIFICATION_PLUGIN_MIN_VERSION = 'io.cncf.notary.verificationPluginMinVersion';

/** The attributes that have to be in `crit` when they are present. */
const CRITICAL_ATTRIBUTES: readonly AttributeLabel[] = [
  SIGNING_SCHEME,
  AUTHENTIC_SIGNING_TIME,
  EXPIRY,
  VERIFICATION_PLUGIN,
  VERIFICATION_PLUGIN_MIN_VERSION,
];

/** Each scheme has one time; that of the other is "only valid" under the other. */
const TIME_OF: Readonly<Record<SigningScheme, string>> = {
  'notary.x509': SIGNING_TIME,
  'notary.x509.signingAuthority': AUTHENTIC_SIGNING_TIME,
};

/** Those that this verifier knows; any other is extended. */
const STANDARD_ATTRIBUTES: ReadonlySet<AttributeLabel> = new Set([
  ...CRITICAL_ATTRIBUTES,
  SIGNING_TIME,
]);

/**
 * Headers of RFC 7515 and 7797. They say how a signature is made and by which key: no plugin could
 * keep what a critical one promises, and RFC 7515 section 4.1.11 forbids to list those that it defines.
 */
const JOSE_HEADERS: ReadonlySet<AttributeLabel> = new Set([
  'b64',
  'jku',
  'jwk',
  'kid',
  'typ',
  'x5c',
  'x5t',
  'x5t#S256',
  'x5u',
]);

/**
 * Checks the signed attributes of an envelope and reads them. Throws `envelope_invalid` when a rule
 * is broken, and `attribute_unsupported` for a signing scheme that is not understood or a critical
 * attribute that nobody can: one that the specification does not define, without a plugin to process
 * it. The specification says that unknown critical attributes MUST cause verification to fail, where
 * notation-go, without a plugin, lets them pass.
 */
export function parseSignedAttributes(headers: SignedHeaders): SignedAttributes {
  assertCritical(headers);
  const signingScheme = toSigningScheme(headers.values.get(SIGNING_SCHEME));
  const signingTime = readSigningTime(headers, signingScheme);
  const expiry = readOptional(headers, EXPIRY, headers.readTime);
  if (expiry !== undefined && expiry <= signingTime) {
    throw unexpected(EXPIRY, `later than ${isoTime(signingTime)}`, isoTime(expiry));
  }
  const plugin = readOptional(headers, VERIFICATION_PLUGIN, readText);
  const minVersion = readOptional(headers, VERIFICATION_PLUGIN_MIN_VERSION, readVersion);
  // Alone it would be a critical attribute that nobody processes.
  if (minVersion !== undefined && plugin === undefined) {
    throw unexpected(VERIFICATION_PLUGIN, 'a plugin of that minimum version', undefined);
  }
  return {
    signingScheme,
    signingTime,
    ...(expiry && { expiry }),
    ...(plugin !== undefined && { verificationPlugin: plugin }),
    ...(minVersion !== undefined && { verificationPluginMinVersion: minVersion }),
    extended: readExtended(headers, plugin !== undefined),
  };
}

function assertCritical({ critical, values }: SignedHeaders): void {
  const labels = new Set(critical);
  if (labels.size < critical.length) throw unexpected('crit', 'each attribute once', 'one twice');
  for (const label of CRITICAL_ATTRIBUTES) {
    if (values.has(label) && !labels.has(label)) {
      throw unexpected('crit', `${String(label)} in it`, 'a crit without it');
    }
  }
  for (const label of labels) {
    // Names of the format's own headers end here too: they must not be listed.
    if (!values.has(label)) throw unexpected('crit', 'only signed attributes', label);
    if (label === SIGNING_TIME) throw unexpected('crit', 'no signing time', label);
  }
}

/**
 * Plugins are told attributes by name: an integer label, which only COSE has, cannot be told, and
 * its text would be that of another attribute.
 */
function readExtended(
  { critical, values }: SignedHeaders,
  hasPlugin: boolean,
): readonly ExtendedAttribute[] {
  const labels = new Set(critical);
  const extended: ExtendedAttribute[] = [];
  for (const [label, value] of values) {
    if (STANDARD_ATTRIBUTES.has(label)) continue;
    const isCritical = labels.has(label);
    const isForPlugin = hasPlugin && typeof label === 'string' && !JOSE_HEADERS.has(label);
    if (isCritical && !isForPlugin) {
      throw unsupported('critical attribute', label);
    }
    extended.push({ label, value, critical: isCritical });
  }
  return extended;
}

function toSigningScheme(found: unknown): SigningScheme {
  if (typeof found !== 'string') throw unexpected(SIGNING_SCHEME, 'a string', found);
  const scheme = SIGNING_SCHEMES.find((name) => name === found);
  if (scheme === undefined) throw unsupported('signing scheme', found);
  return scheme;
}

function readSigningTime(headers: SignedHeaders, scheme: SigningScheme): Date {
  for (const name of Object.values(TIME_OF)) {
    if (name !== TIME_OF[scheme] && headers.values.has(name)) {
      throw unexpected(name, `nothing under ${scheme}`, 'a time');
    }
  }
  return headers.readTime(headers.values.get(TIME_OF[scheme]), TIME_OF[scheme]);
}

function readOptional<T>(
  headers: SignedHeaders,
  name: string,
  read: (value: unknown, what: string) => T,
): T | undefined {
  return headers.values.has(name) ? read(headers.values.get(name), name) : undefined;
}

function readText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw unexpected(what, 'a string that is not blank', value);
  }
  return value;
}

function readVersion(value: unknown, what: string): string {
  const text = readText(value, what);
  parseSemVer(text, { what: `signature envelope: ${what}`, code: 'envelope_invalid' });
  return text;
}

function unsupported(kind: string, found: AttributeLabel): AgentError {
  return new AgentError(
    'attribute_unsupported',
    `signature envelope: expected no ${kind} but those of the specification, found ${show(found)}`,
  );
}

// How containerd calls a verifier: containerd docs/image-verification.md, "Image Verifier Contract".
import { AgentError } from '../errors.ts';
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts';
import { type Digest, parseDigest } from '../oci/digest.ts';

/** One pull to be judged. */
export interface Invocation {
  /** The image as containerd's client named it; its tag may have moved since. */
  readonly name: string;
  /** Top-level digest that containerd resolved and will fetch. */
  readonly digest: Digest;
  /** What containerd resolved, from standard input; undefined when it sent none. */
  readonly descriptor: Descriptor | undefined;
}

/** A descriptor is a few hundred bytes; its annotations come from the registry. */
export const MAX_STDIN_BYTES = 256 * 1024;

const DESCRIPTOR_MEDIA_TYPE = 'application/vnd.oci.descriptor.v1+json';
const FLAGS = ['name', 'digest', 'stdin-media-type'] as const;
type Flag = (typeof FLAGS)[number];

/**
 * Parses the three flags and the descriptor. That the descriptor's digest is the one of the flag is
 * checked; whether the image exists is not. Throws `invocation_invalid`, `digest_invalid` or
 * `descriptor_invalid`.
 */
export function parseInvocation(args: readonly string[], stdin: Uint8Array): Invocation {
  const flags = parseFlags(args);
  const name = required(flags, 'name');
  const digest = parseDigest(required(flags, 'digest'), '-digest');
  const descriptor = parseStdin(flags.get('stdin-media-type'), stdin);
  if (descriptor !== undefined && descriptor.digest !== digest) {
    throw new AgentError(
      'invocation_invalid',
      `descriptor on standard input: expected digest ${digest} of -digest, found ${descriptor.digest}`,
    );
  }
  return { name, digest, descriptor };
}

/** containerd writes one dash; two are what people type. */
function parseFlags(args: readonly string[]): Map<Flag, string> {
  const flags = new Map<Flag, string>();
  for (let i = 0; i < args.length; i += 2) {
    const word = args[i] ?? '';
    const flag = FLAGS.find((known) => word === `-${known}` || word === `--${known}`);
    const value = args[i + 1];
    if (flag === undefined) throw usage(`found ${JSON.stringify(word.slice(0, 80))}`);
    if (value === undefined) throw usage(`found -${flag} without a value`);
    if (flags.has(flag)) throw usage(`found -${flag} twice`);
    flags.set(flag, value);
  }
  return flags;
}

function required(flags: ReadonlyMap<Flag, string>, flag: Flag): string {
  const value = flags.get(flag);
  if (value === undefined || value === '') throw usage(`found no -${flag}`);
  return value;
}

function parseStdin(mediaType: string | undefined, stdin: Uint8Array): Descriptor | undefined {
  if (stdin.length === 0) return undefined;
  if (mediaType !== DESCRIPTOR_MEDIA_TYPE) {
    throw usage(`found -stdin-media-type ${JSON.stringify((mediaType ?? '').slice(0, 80))}`);
  }
  if (stdin.length > MAX_STDIN_BYTES) {
    throw usage(`found more than ${MAX_STDIN_BYTES} bytes on standard input`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stdin));
  } catch (cause) {
    throw new AgentError('invocation_invalid', 'standard input: expected a JSON descriptor', {
      cause,
    });
  }
  return parseDescriptor(value, 'descriptor on standard input');
}

function usage(found: string): AgentError {
  return new AgentError(
    'invocation_invalid',
    `expected -name REF -digest DIGEST -stdin-media-type ${DESCRIPTOR_MEDIA_TYPE}, ${found}`,
  );
}

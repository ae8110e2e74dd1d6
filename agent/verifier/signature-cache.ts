// Signatures that were fetched before: content is named by its digest, so it cannot have changed.
import type { Digest } from '../oci/digest.ts';
import { repositoryOf } from '../oci/reference.ts';
import { copyText } from './copied-text.ts';
import type { RepositoryName } from './registry/session.ts';
import type { SignatureContent } from './signature-content.ts';

/** Where a signature stands: what it belongs to was checked for this image only. */
export interface SignatureKey {
  readonly repository: RepositoryName;
  readonly image: Digest;
  /** Digest of the signature manifest. */
  readonly signature: Digest;
}

/** Signatures are a few KiB: this holds those of more than a hundred images, as a busy node pulls in an hour. */
const MAX_BYTES = 512 * 1024;

/**
 * Keeps signatures as they were fetched, the latest used ones within a bound of bytes. Nothing is
 * decided by what is kept: the registry still says which signatures an image has, and each is
 * verified anew.
 */
export class SignatureCache {
  readonly #maxBytes: number;
  readonly #kept = new Map<string, SignatureContent>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get(key: SignatureKey): SignatureContent | undefined {
    const text = textOf(key);
    const found = this.#kept.get(text);
    if (found === undefined) return undefined;
    // Maps keep the order of insertion: what was used last goes to the end.
    this.#kept.delete(text);
    this.#kept.set(text, found);
    return found;
  }

  put(key: SignatureKey, signature: SignatureContent): void {
    if (bytesOf(signature) > this.#maxBytes) return;
    this.#remove(textOf(key));
    this.#kept.set(textOf(key), {
      digest: copyText(signature.digest),
      mediaType: copyText(signature.mediaType),
      // Short ones are cut from blocks of 8 KiB, and would keep them.
      envelope: new Uint8Array(signature.envelope),
      manifest: new Uint8Array(signature.manifest),
      manifestType: copyText(signature.manifestType),
    });
    this.#bytes += bytesOf(signature);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#remove(oldest);
    }
  }

  #remove(text: string): void {
    const found = this.#kept.get(text);
    if (found !== undefined) this.#bytes -= bytesOf(found);
    this.#kept.delete(text);
  }
}

function bytesOf({ envelope, manifest }: SignatureContent): number {
  return envelope.length + manifest.length;
}

function textOf({ repository, image, signature }: SignatureKey): string {
  return copyText(`${repositoryOf(repository)} ${image} ${signature}`);
}

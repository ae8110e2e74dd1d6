// Which images no statement of a trust policy document covers.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { parseReference, repositoryOf } from '../../oci/reference.ts';
import type { TrustPolicyDocument } from './document.ts';
import type { Findings } from './findings.ts';
import { selectStatement } from './selection.ts';

/** The third record that containerd's CRI keeps of an image: by the digest of its configuration. */
const CONFIG_DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Warns, once for each repository, of images that would be refused for want of a statement. `names`
 * are those of containerd's records, which can be any text.
 */
export function warnOfImages(
  document: TrustPolicyDocument,
  names: Iterable<string>,
  findings: Findings,
): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (CONFIG_DIGEST.test(name)) continue;
    const { repository, error } = coverage(document, name);
    if (error === undefined || seen.has(repository)) continue;
    seen.add(repository);
    findings.warn(
      'document',
      `the image ${show(name)} on this node would be refused (${error.code}), as no statement covers it`,
    );
  }
}

function coverage(
  document: TrustPolicyDocument,
  name: string,
): { readonly repository: string; readonly error?: AgentError } {
  let repository = name;
  try {
    repository = repositoryOf(parseReference(name));
    selectStatement(document, repository);
    return { repository };
  } catch (error) {
    if (error instanceof AgentError) return { repository, error };
    throw error;
  }
}

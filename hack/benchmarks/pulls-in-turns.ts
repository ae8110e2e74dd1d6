// Times of one verdict after the other on a node, by the pull verifier and by `notation verify` in turns.
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import type { TestNode } from '../../test/support/test-node.ts';
import { type Measurement, ratios } from './measurement.ts';

/** Where the agent puts it. */
export const VERIFIER_PATH = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
export const DESCRIPTOR_TYPE = 'application/vnd.oci.descriptor.v1+json';
const TIMEOUT_MS = 300_000;

/** One image, as containerd hands it to a verifier. */
export interface Pull {
  /** `registry/repository` */
  readonly repository: string;
  readonly descriptor: Descriptor;
}

export interface TurnsOptions {
  /** Also before anything is measured, of the first image by both and of all by our verifier: default 'first'. */
  readonly warm?: 'first' | 'all';
  /** A file of the node with the certificates that `notation` trusts for TLS. Default: plain HTTP. */
  readonly ca?: string;
  /** What runs in the place of our verifier. */
  readonly program?: string;
}

/** What either program took, of each image. */
export interface Times {
  readonly notationMs: readonly number[];
  readonly verifierMs: readonly number[];
}

// Standard input: an image in each line, its repository, its digest and its descriptor. Each line of
// output is the microseconds of one run of either program, in turns. Whatever refuses ends it.
const MEASURE = `
  verifier=$1 type=$2 warm=$3 ca=$4
  insecure=(--insecure-registry)
  if [ -n "$ca" ]; then insecure=(); export SSL_CERT_FILE=$ca; fi
  by_notation() { notation verify "\${insecure[@]}" "$repository@$digest"; }
  by_verifier() { "$verifier" -name "$repository:v1" -digest "$digest" -stdin-media-type "$type" <<<"$descriptor"; }
  timed() {
    local start=$EPOCHREALTIME end
    "$@" >/dev/null
    end=$EPOCHREALTIME
    echo $((\${end/./} - \${start/./}))
  }
  mapfile -t pulls
  for pull in "\${pulls[@]:0:1}"; do
    read -r repository digest descriptor <<<"$pull"
    by_notation >/dev/null; by_verifier >/dev/null
  done
  if [ "$warm" = all ]; then
    for pull in "\${pulls[@]}"; do read -r repository digest descriptor <<<"$pull"; by_verifier >/dev/null; done
  fi
  for pull in "\${pulls[@]:1}"; do
    read -r repository digest descriptor <<<"$pull"
    timed by_notation; timed by_verifier
  done`;

/**
 * Measures one verdict by either on every image but the first. Rejects if one is refused: refusals
 * would be fast and worthless.
 */
export async function inTurns(
  node: TestNode,
  pulls: readonly Pull[],
  { warm = 'first', ca = '', program = VERIFIER_PATH }: TurnsOptions = {},
): Promise<Times> {
  const lines = pulls.map(
    ({ repository, descriptor }) =>
      `${repository} ${descriptor.digest} ${JSON.stringify(descriptor)}\n`,
  );
  const args = [program, DESCRIPTOR_TYPE, warm, ca];
  const printed = await node.output(['bash', '-euc', MEASURE, 'measure', ...args], {
    stdin: lines.join(''),
    timeoutMs: TIMEOUT_MS,
  });
  const times = printed
    .trim()
    .split('\n')
    .map((timeUs) => Number(timeUs) / 1000);
  return {
    notationMs: times.filter((_, index) => index % 2 === 0),
    verifierMs: times.filter((_, index) => index % 2 === 1),
  };
}

/** Both, and what ours may take at most of theirs, if there is a promise. */
export function report(
  when: string,
  { notationMs, verifierMs }: Times,
  atMost?: number,
): Measurement[] {
  const target =
    atMost === undefined ? {} : { target: { bound: 'at most', value: atMost } as const };
  return [
    { what: `notation verify, ${when}`, values: notationMs, unit: 'ms' },
    { what: `nodeseal-verifier, ${when}`, values: verifierMs, unit: 'ms' },
    { what: `ratio, ${when}`, values: ratios(verifierMs, notationMs), unit: 'x', ...target },
  ];
}

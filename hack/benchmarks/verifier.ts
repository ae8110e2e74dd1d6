// Bench: one call of the pull verifier, with the agent and without, against one `notation verify` of the same image.
import { createSigningKey, sign, writeTruststore } from '../../test/support/node-signatures.ts';
import { AGENT_BINDS, SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import { pushImage, type PushedImage, startRegistry } from '../../test/support/node-images.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';

const ROUNDS = 40;
const TIMEOUT_MS = 120_000;
const VERIFIER_PATH = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const NOTATION_HOME = '/root/.config/notation';

/** Boots a node, measures both programs in turns, and stops it. */
export const VERIFIER: Benchmark = {
  about: 'one verdict on an image in a loopback registry, wall time',
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const registry = await startRegistry(node, 'crane');
  const key = await createSigningKey(node, 'bench');
  const image = await pushImage(registry, 'team/app');
  await sign(registry, image.pinned, { key, format: 'jws' });
  await writePolicy(node, `${SOURCE}/policy.json`);
  await writePolicy(node, `${NOTATION_HOME}/trustpolicy.json`);
  for (const directory of [`${SOURCE}/truststore`, `${NOTATION_HOME}/truststore`]) {
    await writeTruststore(node, 'bench', [key], directory);
  }
  const agent = await startNodeAgent(node);
  const up = await inTurns(node, image);
  await agent.stop();
  const down = await inTurns(node, image);
  return [...report('agent up', up, 1), ...report('agent down', down, 2.5)];
}

async function writePolicy(node: TestNode, path: string): Promise<void> {
  const statement = {
    name: 'bench',
    registryScopes: ['*'],
    // Both programs skip what the certificates have no address for anyway.
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustStores: ['ca:bench'],
    trustedIdentities: ['*'],
  };
  const document = { version: '1.0', trustPolicies: [statement] };
  // notation warns of a policy that others may read.
  await node.writeFile(path, JSON.stringify(document), 0o600);
}

interface Times {
  readonly notationMs: readonly number[];
  readonly verifierMs: readonly number[];
}

// Arguments: rounds, verifier, image with tag, image with digest, its digest, its descriptor.
// Each line of output is the microseconds of one run of either program, in turns.
const MEASURE = `
  rounds=$1 verifier=$2 tagged=$3 pinned=$4 digest=$5 descriptor=$6
  by_notation() { notation verify --insecure-registry "$pinned"; }
  by_verifier() {
    "$verifier" -name "$tagged" -digest "$digest" -stdin-media-type application/vnd.oci.descriptor.v1+json <<<"$descriptor"
  }
  timed() {
    local start=$EPOCHREALTIME end
    "$@" >/dev/null
    end=$EPOCHREALTIME
    echo $((\${end/./} - \${start/./}))
  }
  by_notation >/dev/null; by_verifier >/dev/null
  for ((round = 0; round < rounds; round++)); do timed by_notation; timed by_verifier; done`;

async function inTurns(node: TestNode, image: PushedImage): Promise<Times> {
  const { tagged, pinned, digest } = image;
  const manifest = await node.output(['crane', 'manifest', pinned]);
  const mediaType = (JSON.parse(manifest) as { readonly mediaType: string }).mediaType;
  const descriptor = JSON.stringify({ mediaType, digest, size: Buffer.byteLength(manifest) });
  const args = [String(ROUNDS), VERIFIER_PATH, tagged, pinned, digest, descriptor];
  const printed = await node.output(['bash', '-euc', MEASURE, 'measure', ...args], {
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

function report(when: string, { notationMs, verifierMs }: Times, atMost: number): Measurement[] {
  const ratio = ratios(verifierMs, notationMs);
  const target = { bound: 'at most', value: atMost } as const;
  return [
    { what: `notation verify, ${when}`, values: notationMs, unit: 'ms' },
    { what: `nodeseal-verifier, ${when}`, values: verifierMs, unit: 'ms' },
    { what: `ratio, ${when}`, values: ratio, unit: 'x', target },
  ];
}

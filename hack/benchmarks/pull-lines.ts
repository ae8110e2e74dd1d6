// What one pull leaves in the journal: the verifier's line, and containerd's at level info.
import type { DecidedPull } from '../../agent/pull/verdict-stream.ts';

/** Different images, which are pulled again and again. */
const IMAGES = 100;
const CONFIG_DIGEST = `sha256:${'cd'.repeat(32)}`;

function imageOf(pull: number) {
  const image = pull % IMAGES;
  const repository = `registry.example/team-${image % 10}/app-${image}`;
  const digest = `sha256:${image.toString(16).padStart(64, '0')}` as const;
  return { repository, digest, name: `${repository}:v1` };
}

/** The verdict on the pull of that number; all are let in. */
export function pullVerdict(pull: number): DecidedPull {
  const { repository, digest, name } = imageOf(pull);
  return {
    name,
    via: 'agent',
    mode: 'enforce',
    verdict: {
      decision: 'allow',
      reason: 'verified',
      message: 'signed by x509.subject: C=DE, O=Example, CN=release',
      inconclusive: false,
      ...{ repository, digest },
      policy: 'production',
      level: 'strict',
      signature: `sha256:${'ef'.repeat(32)}`,
      signer: 'C=DE, O=Example, CN=release',
      results: [],
      skippedSignatures: { count: 0, first: [] },
      policyHash: '1'.repeat(64),
      trustHash: '2'.repeat(64),
      validUntil: null,
      time: new Date().toISOString(),
      durationMs: 12,
    },
  };
}

/** The lines of containerd on the pull of that number, of an image that was not there. */
export function pullLines(pull: number, at: Date): readonly string[] {
  const { repository, digest, name } = imageOf(pull);
  const time = at.toISOString().replace('Z', '000000Z');
  const line = (message: string): string =>
    `time="${time}" level=info msg="${message.replaceAll('"', String.raw`\"`)}"`;
  const event = (kind: string, record: string): string =>
    line(`${kind} event name:"${record}" labels:{key:"io.cri-containerd.image" value:"managed"}`);
  const pinned = `${repository}@${digest}`;
  return [
    line(`PullImage "${name}"`),
    event('ImageCreate', name),
    line(`stop pulling image ${name}: active requests=0, bytes read=1234567`),
    event('ImageCreate', CONFIG_DIGEST),
    event('ImageUpdate', name),
    event('ImageCreate', pinned),
    line(
      `Pulled image "${name}" with image id "${CONFIG_DIGEST}", repo tag "${name}", repo digest "${pinned}", size "1234567" in 1.234567s`,
    ),
    line(`PullImage "${name}" returns image reference "${CONFIG_DIGEST}"`),
  ];
}

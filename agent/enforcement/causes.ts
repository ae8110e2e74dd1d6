// The closed set of what this folder itself finds to keep a node from enforcing, or from being known to.

/** One thing to tell an operator: what is the matter, and what to do about it. */
export interface Cause {
  /** Of a closed set: `CAUSES`, or the findings of containerd's configuration. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** By code: what is the matter in one sentence, and the remedy. */
export const CAUSES = {
  unsigned_image_came_in: {
    message: 'An unsigned image was pulled and no verifier was asked about it.',
    remedy:
      'See the other causes, and compare `containerd config dump` with the documentation of image verifiers.',
  },
  verdict_not_enforced: {
    message: 'An unsigned image came in although its verdict was to deny it.',
    remedy: 'End the audit mode or the break-glass that lets every image in.',
  },
  audit_mode: {
    message: 'The audit mode is set: every image comes in, whatever its verdict.',
    remedy: 'Set `NODESEAL_MODE=enforce` once `nodeseal policy preview` shows nothing to lose.',
  },
  break_glass: {
    message: 'By break-glass every image comes in without being judged.',
    remedy: 'End it with `nodeseal break-glass --off`, or wait until it expires.',
  },
  verifier_missing: {
    message: 'The verifier is not in the directory that it was installed in.',
    remedy: 'Run `nodeseal install`, or see in the log why the agent cannot put it back.',
  },
  pull_fallback: {
    message:
      'containerd said at its start that it pulls images for kubelet by itself, which no verifier is asked about.',
    remedy: 'Take the setting that it names out of its configuration, and restart it.',
  },
  canary_pending: {
    message: 'No canary has come to an end since containerd or the agent started.',
    remedy: 'Wait for it: one is tried at once, and again until it tells.',
  },
  canary_stale: {
    message: 'The last canary that told anything is too long ago.',
    remedy: 'See in the log why the canaries since then told nothing.',
  },
  canary_failed: {
    message: 'The canary could not be tried.',
    remedy: 'See what kept the agent from it.',
  },
  containerd_unavailable: {
    message: 'containerd did not answer the pull of the canary.',
    remedy: 'Look at containerd: `systemctl status containerd`.',
  },
  canary_registry_unreached: {
    message: 'containerd did not reach the registry of the canary on loopback.',
    remedy:
      'Run the agent in the network of the host (`hostNetwork: true`), and let 127.0.0.1 bypass proxies and mirrors.',
  },
  agent_not_asked: {
    message: 'The verifier refused the canary without having reached the agent.',
    remedy:
      'See that verifier and agent name the same socket (`NODESEAL_AGENT_SOCKET`), and that the agent runs as root.',
  },
  canary_refused_otherwise: {
    message: 'The unsigned image was refused, but not by our verifier for the lack of a signature.',
    remedy: 'See whose refusal it was: another verifier, or a failure on the way.',
  },
  signed_image_refused: {
    message: 'The signed image did not come in although the agent was asked about it.',
    remedy: 'See whose refusal it was: pulls of signed images may fail as well.',
  },
  configuration_unread: {
    message: 'The configuration of containerd could not be read.',
    remedy: 'See what kept the agent from it.',
  },
} as const satisfies Readonly<Record<string, Omit<Cause, 'code'>>>;

export type CauseCode = keyof typeof CAUSES;

/** A text of containerd can be 32 KiB of a verifier's; a status must stay readable. */
const MAX_DETAIL_LENGTH = 400;

/** A cause with what was found. The detail may hold any text: it is cut, and shown as it is. */
export function causeOf(code: CauseCode, detail = ''): Cause {
  const { message, remedy } = CAUSES[code];
  const short =
    detail.length > MAX_DETAIL_LENGTH ? `${detail.slice(0, MAX_DETAIL_LENGTH)}…` : detail;
  return { code, message: short === '' ? message : `${message} ${short}`, remedy };
}

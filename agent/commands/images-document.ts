// An image of the inventory for programs: one object, with whole values.
import type { ListedImage } from '../audit/inventory-list.ts';

/** Every field is always there and keeps its meaning; others may be added. */
export function imageDocument(image: ListedImage) {
  const { repository, digest, names, state, cause, arrival } = image;
  const { since, firstSeen, verifiedAt, verdict } = image;
  return {
    ...{ repository, digest, names, state, cause, arrival },
    /** RFC 3339, as all times. */
    since,
    firstSeen,
    /** When a signature was good last; null when none was, or something else is known since. */
    verifiedAt,
    /** The last by which somebody looked. */
    verdict:
      verdict === null
        ? null
        : {
            decision: verdict.decision,
            reason: verdict.reason,
            message: verdict.message,
            inconclusive: verdict.inconclusive,
            policy: verdict.policy,
            signature: verdict.signature,
            signer: verdict.signer,
            policyHash: verdict.policyHash,
            trustHash: verdict.trustHash,
            at: verdict.time,
          },
    containers: image.containers.map(({ id, name, asked, pod, controller, createdAt }) => {
      return { id, name, image: asked, pod: pod.uid === '' ? null : pod, controller, createdAt };
    }),
  };
}

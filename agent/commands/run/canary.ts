// The canary of this agent: what it pulls through, and what of it the journal and containerd tell that is not to be counted.
import { basename } from 'node:path';
import type { ImageSource } from '../../audit/inventory.ts';
import type { JournalReading } from '../../audit/journal-reading.ts';
import { Canary, type CanaryOptions, type CanaryRuntime } from '../../enforcement/canary.ts';
import type { OwnImages } from '../../enforcement/own-images.ts';
import type { ContainerdClient } from '../../node/containerd/client.ts';
import { listCriImages, pullImage, removeImage } from '../../node/containerd/cri.ts';

/** Creates it over a connection to containerd, which the caller closes after the last run. */
export function createCanary(
  client: ContainerdClient,
  verifierFile: string,
  parts: Pick<CanaryOptions, 'registry' | 'evidence' | 'clock' | 'memory' | 'onIncident'>,
): Canary {
  const runtime: CanaryRuntime = {
    pull: (image, signal) => pullImage(client, image, { signal }),
    remove: (image, signal) => removeImage(client, image, signal),
    list: (signal) => listCriImages(client, signal),
  };
  const architecture = GO_ARCHITECTURES[process.arch] ?? process.arch;
  return new Canary({ ...parts, runtime, architecture, verifierName: basename(verifierFile) });
}

/** Go's names where they are not Node's. */
const GO_ARCHITECTURES: Readonly<Partial<Record<typeof process.arch, string>>> = {
  x64: 'amd64',
  ppc64: 'ppc64le',
};

/** The node's images but the canary's: nobody runs those, and they are gone in a moment. */
export function withoutCanary(source: ImageSource, own: OwnImages): ImageSource {
  return {
    events: (signal) => source.events(signal),
    list: async (signal) => {
      const { images, invalid } = await source.list(signal);
      return { images: images.filter(({ target }) => !own.hasDigest(target.digest)), invalid };
    },
    get: async (name, signal) => {
      const image = await source.get(name, signal);
      return image !== null && own.hasDigest(image.target.digest) ? null : image;
    },
  };
}

/** What an entry means for the ledger: nothing, if it is about a pull of the canary. */
export function exceptCanary(reading: JournalReading, own: OwnImages): JournalReading {
  const isOwn =
    (reading.kind === 'verdict' && own.hasDigest(reading.verdict.digest)) ||
    (reading.kind === 'containerd' && own.hasName(reading.event.name ?? ''));
  return isOwn ? { kind: 'nothing' } : reading;
}

// The metrics of the inventory: images on this node, and the containers that run them.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { IMAGE_CAUSES, IMAGE_STATES, label } from './labels.ts';
import type { MetricSources } from './sources.ts';

/** Declares them; the result reads. When the source throws, they have no samples, and `onError` is told. */
export function declareImages(
  registry: Registry,
  { inventory }: Pick<MetricSources, 'inventory'>,
  onError: (error: unknown) => void,
): () => void {
  const { gauge } = declarers(registry);
  const images = gauge('images', 'Images on this node.', 'state', 'cause');
  const containers = gauge(
    'running_containers',
    'Containers that run on this node, by the state of their image.',
    'state',
  );
  return () => {
    for (const metric of [images, containers]) metric.reset();
    try {
      const counts = inventory();
      for (const state of IMAGE_STATES) {
        for (const cause of IMAGE_CAUSES) images.set({ state, cause }, 0);
        containers.set({ state }, 0);
      }
      for (const { state, cause, count } of counts.images) {
        images.inc({ state: label(IMAGE_STATES, state), cause: label(IMAGE_CAUSES, cause) }, count);
      }
      for (const { state, count } of counts.containers) {
        containers.inc({ state: label(IMAGE_STATES, state) }, count);
      }
    } catch (error) {
      onError(error);
    }
  };
}

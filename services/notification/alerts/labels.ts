import { createBoundedMap, createSingleFlight } from '@weir/async';
import type { InvolvedObject } from '@weir/events';
import { isNoMatch, isNotFound, type KubeClient, objectKey } from '@weir/kube';

/**
 * Reads the labels of the object that an event is about; undefined for an object or a kind that is gone. `event` is the
 * id of the event.
 */
export type ReadLabels = (
  event: string,
  object: InvolvedObject,
) => Promise<Record<string, string> | undefined>;

/** Characters of all labels that are kept. */
const KEPT = 4 * 1024 ** 2;

/** Reads labels from the API server, once for each event however many alerts need them. */
export function labelReader(client: KubeClient): ReadLabels {
  const known = createBoundedMap<string, { labels: Record<string, string> | undefined }>({
    max: KEPT,
    weigh: ({ labels }, key) => key.length + JSON.stringify(labels ?? {}).length,
  });
  const flight = createSingleFlight<Record<string, string> | undefined>();

  async function read({ apiVersion, kind, namespace, name }: InvolvedObject) {
    try {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      const object = await client.get(type, { namespace, name }, { metadataOnly: true });
      return object.metadata.labels ?? {};
    } catch (error) {
      if (isNotFound(error) || isNoMatch(error)) return undefined;
      throw error;
    }
  }

  return async (event, object) => {
    const key = `${event} ${object.kind}/${objectKey(object)}`;
    const found = known.get(key);
    if (found !== undefined) return found.labels;
    return flight(key, async () => {
      const labels = await read(object);
      known.set(key, { labels });
      return labels;
    });
  };
}

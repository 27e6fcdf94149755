import { isNoMatch, isNotFound, type KubeClient } from '@weir/kube';
import type { ReadLabels } from './match.ts';

/** Reads labels from the API server; an object or a kind that is gone has none: undefined. */
export function labelReader(client: KubeClient): ReadLabels {
  return async ({ apiVersion, kind, namespace, name }) => {
    try {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      const object = await client.get(type, { namespace, name });
      return object.metadata.labels ?? {};
    } catch (error) {
      if (isNotFound(error) || isNoMatch(error)) return undefined;
      throw error;
    }
  };
}

import { createBoundedMap, createSingleFlight } from '@weir/async';
import type { InvolvedObject } from '@weir/events';
import { isNoMatch, isNotFound, type KubeClient, objectKey } from '@weir/kube';

/** The facts about an object that templates can use. */
export interface ObjectFacts {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** The source of a Kustomization, or the GitRepository itself. */
  source?: { kind: string; namespace: string; name: string };
}

/** Reads the facts; undefined for an object that is gone. Rejects with the API server's error. */
export type ReadFacts = (object: InvolvedObject) => Promise<ObjectFacts | undefined>;

/** Characters that are kept, and for how long (ms), because many alerts need the same object at the same time. */
const KEPT = 4 * 1024 ** 2;
const FRESH_MS = 2_000;
/** Characters of all labels and annotations; of an object with more, none are available. */
const MAX_FACTS = 64 * 1024;
/** The copy of the whole object that kubectl stores. */
const COPY = 'kubectl.kubernetes.io/last-applied-configuration';

export function createReadFacts(client: KubeClient): ReadFacts {
  const known = createBoundedMap<string, { facts: ObjectFacts | undefined; atMs: number }>({
    max: KEPT,
    weigh: ({ facts }, key) => key.length + JSON.stringify(facts ?? {}).length,
  });
  const flight = createSingleFlight<ObjectFacts | undefined>();

  async function read({ apiVersion, kind, namespace, name }: InvolvedObject) {
    try {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      const { metadata, spec } = await client.get(type, { namespace, name });
      const { [COPY]: _, ...annotations } = metadata.annotations ?? {};
      const facts = { labels: metadata.labels ?? {}, annotations };
      const source = sourceOf({ kind, namespace, name }, spec);
      const shown =
        JSON.stringify(facts).length > MAX_FACTS ? { labels: {}, annotations: {} } : facts;
      return { ...shown, ...(source === undefined ? {} : { source }) };
    } catch (error) {
      if (isNotFound(error) || isNoMatch(error)) return undefined;
      throw error;
    }
  }

  return async (object) => {
    const key = `${object.kind}/${objectKey(object)}`;
    const found = known.get(key);
    if (found !== undefined && performance.now() - found.atMs < FRESH_MS) return found.facts;
    return flight(key, async () => {
      const facts = await read(object);
      known.set(key, { facts, atMs: performance.now() });
      return facts;
    });
  };
}

function sourceOf(
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
  spec: unknown,
): ObjectFacts['source'] {
  if (kind === 'GitRepository') return { kind, namespace, name };
  const { sourceRef } = (spec ?? {}) as {
    sourceRef?: { kind?: string; namespace?: string; name?: string };
  };
  if (!sourceRef?.kind || !sourceRef.name) return undefined;
  return {
    kind: sourceRef.kind,
    namespace: sourceRef.namespace ?? namespace,
    name: sourceRef.name,
  };
}

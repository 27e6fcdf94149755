// What must not change when another system takes over: the versions of objects, and the recorded events.
import { Event, type KubeClient, type KubeObject } from '@weir/kube';

/** The `<uid> <resourceVersion>` of objects by `<group>/<Kind> <namespace>/<name>`. */
export type Versions = Record<string, string>;

const OWNER = 'kustomize.toolkit.fluxcd.io/name';
/** The groups of Flux's own kinds, whose status each system writes. */
const TOOLKIT = /\.toolkit\.fluxcd\.io$/;
/** Kinds that change without a change of the managed objects. */
const UNRELATED_KINDS = new Set(['Event', 'Lease']);

/**
 * The versions of all objects that a Kustomization applied, in any namespace, and of all further objects in `namespaces`.
 * The latter matter because objects that the systems must leave alone have no label of an owner.
 */
export async function versionsOf(
  client: KubeClient,
  namespaces: readonly string[],
): Promise<Versions> {
  client.discovery.invalidate();
  const kinds = (await client.discovery.resources()).filter(
    ({ group, kind, verbs }) =>
      verbs.includes('list') && !TOOLKIT.test(group) && !UNRELATED_KINDS.has(kind),
  );
  const lists = await Promise.all(
    kinds.map(async (type) => {
      const { items } = await client.list<KubeObject>(type, { metadataOnly: true });
      return items.flatMap(({ metadata }): [string, string][] => {
        const { labels = {}, namespace = '', name, uid, resourceVersion } = metadata;
        if (!(OWNER in labels) && !namespaces.includes(namespace)) return [];
        return [[`${type.group}/${type.kind} ${namespace}/${name}`, `${uid} ${resourceVersion}`]];
      });
    }),
  );
  return Object.fromEntries(lists.flat().sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Matches the message of an event about a change in the cluster, such as `ConfigMap/shop/web configured`. */
export const CHANGE_MESSAGE = /\b(created|configured|recreated|deleted)\b/;

interface KubernetesEvent extends KubeObject {
  involvedObject: { kind: string; name: string };
  message: string;
  count?: number;
}

/**
 * The Kubernetes Events about objects of these kinds, one line for each. A repeated Event has another count and so another
 * line.
 */
export async function recordedEvents(
  client: KubeClient,
  kinds: readonly string[] = ['Kustomization', 'GitRepository'],
): Promise<Set<string>> {
  const { items } = await client.list<KubernetesEvent>(Event);
  const lines = items
    .filter(({ involvedObject: { kind } }) => kinds.includes(kind))
    .map(({ metadata, involvedObject, message, count = 1 }) => {
      const { kind, name } = involvedObject;
      return `${metadata.name} ${count}: ${kind}/${name} ${message}`;
    });
  return new Set(lines);
}

// What must not change when a cluster changes hands, and what must not be said.
import { Event, type KubeClient, type KubeObject } from '@weir/kube';

/** `<group>/<Kind> <namespace>/<name>` to `<uid> <resourceVersion>`. */
export type Versions = Record<string, string>;

const OWNER = 'kustomize.toolkit.fluxcd.io/name';
/** Their status is written by whoever is in charge. */
const TOOLKIT = /\.toolkit\.fluxcd\.io$/;
/** What says that something happened, or that somebody lives. */
const CHATTER = new Set(['Event', 'Lease']);

/**
 * The versions of everything that a Kustomization applied, wherever it is, and of all else in `namespaces`:
 * what was left alone has no label.
 */
export async function versionsOf(
  client: KubeClient,
  namespaces: readonly string[],
): Promise<Versions> {
  client.discovery.invalidate();
  const kinds = (await client.discovery.resources()).filter(
    ({ group, kind, verbs }) =>
      verbs.includes('list') && !TOOLKIT.test(group) && !CHATTER.has(kind),
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

/** A message that tells of a change in the cluster: `ConfigMap/shop/web configured`. */
export const TELLS_OF_CHANGE = /\b(created|configured|recreated|deleted)\b/;

interface KubernetesEvent extends KubeObject {
  involvedObject: { kind: string; name: string };
  message: string;
  count?: number;
}

/** What Kubernetes Events say about toolkit objects, one line for each and for how often it was said. */
export async function told(client: KubeClient): Promise<Set<string>> {
  const { items } = await client.list<KubernetesEvent>(Event);
  const lines = items
    .filter(({ involvedObject: { kind } }) => kind === 'Kustomization' || kind === 'GitRepository')
    .map(({ metadata, involvedObject, message, count = 1 }) => {
      const { kind, name } = involvedObject;
      return `${metadata.name} ${count}: ${kind}/${name} ${message}`;
    });
  return new Set(lines);
}

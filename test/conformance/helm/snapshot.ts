// The compared state of a fixture: everything in its namespaces, in the form of the recordings.
import { mapBounded } from '@weir/async';
import type { KubeClient, KubeObject } from '@weir/kube';
import { describeClusterObject, describeObject, isGiven } from './describe-objects.ts';
import { describeRelease, describeReleaseInShort } from './describe-release.ts';
import { decodeRelease, describeStorage, STORAGE_TYPE } from './describe-storage.ts';
import type { HelmFixture } from './fixture.ts';
import { managersOf, type Normalize, normalizing } from './normalize.ts';
import { listAt, pathOf, readAt } from './objects.ts';

/** Resources whose objects are compared in between. */
const WORKLOADS = [
  ...['configmaps', 'secrets', 'services'],
  ...['apps/v1/deployments', 'apps/v1/statefulsets', 'apps/v1/daemonsets', 'batch/v1/jobs'],
];
/** Resources whose objects are compared at the end. */
const RESOURCES = [
  ...WORKLOADS,
  'serviceaccounts',
  ...['rbac.authorization.k8s.io/v1/roles', 'rbac.authorization.k8s.io/v1/rolebindings'],
];
const SOURCE_GROUP = 'source.toolkit.fluxcd.io/v1';
const SOURCES = ['helmcharts', 'helmrepositories', 'gitrepositories', 'ocirepositories'].map(
  (plural) => `${SOURCE_GROUP}/${plural}`,
);
const HELM_RELEASES = 'helm.toolkit.fluxcd.io/v2/helmreleases';

type Described = Record<string, unknown>;

export interface Snapshot {
  objects: Record<string, Described>;
  releases: Record<string, Described>;
  storage: Record<string, Described>;
  sources: Record<string, Described>;
  /** Kubernetes Events as `<Kind>/<name> <type> <reason>`; each once. */
  events: string[];
  cluster: Record<string, Described>;
  counts: Record<string, number>;
}

/** A snapshot in between. */
export interface ShortSnapshot {
  objects: string[];
  releases: Record<string, Described>;
  storage: string[];
}

/** Whether an action is under way or a chart is being made, so that the snapshot will still change. */
export function isMoving(snapshot: Snapshot | ShortSnapshot): boolean {
  const sources = 'sources' in snapshot ? Object.values(snapshot.sources) : [];
  const all = [...Object.values(snapshot.releases), ...sources];
  const conditions = all.flatMap((described) => described.conditions as string[]);
  return conditions.some((text) => text.startsWith('Ready=Unknown'));
}

interface Found {
  resource: string;
  object: KubeObject;
}

/** Takes snapshots of a fixture. */
export function snapshotsOf(client: KubeClient, fixture: HelmFixture) {
  const { namespace, namespaces = [], kinds = [], clusterObjects = [], counts = [] } = fixture;
  const further = namespaces.map((suffix) => `${namespace}-${suffix.replace(/^\?/, '')}`);
  const everywhere = [namespace, ...further];
  const normalize = normalizing(namespace);

  async function find(resources: readonly string[]): Promise<Found[]> {
    const wanted = everywhere.flatMap((ns) => resources.map((resource) => ({ resource, ns })));
    const lists = await mapBounded(wanted, 8, async ({ resource, ns }) => {
      const objects = await listAt(client, pathOf(resource, ns));
      const plural = resource.split('/').at(-1) ?? '';
      return objects
        .filter((object) => !isGiven(plural, object))
        .map((object) => ({ resource: plural, object }));
    });
    return lists.flat();
  }

  /** `<plural>/<name>`, with the namespace before it when that isn't the fixture's own. */
  const keyOf = ({ resource, object: { metadata } }: Found) =>
    `${metadata.namespace === namespace ? '' : `${metadata.namespace}/`}${resource}/${metadata.name}`;
  const isStorage = ({ object }: Found) => object.type === STORAGE_TYPE;

  return {
    async whole(): Promise<Snapshot> {
      const found = await find([...RESOURCES, ...kinds]);
      const objects = found.filter((it) => !isStorage(it));
      const stored = await mapBounded(found.filter(isStorage), 4, async (it) => {
        const key = keyOf(it).replace(/secrets\//, '');
        return [key, await describeStorage(it.object)] as const;
      });
      const releases = await find([HELM_RELEASES]);
      const sources = await find(SOURCES);
      const events = await find(['events']);
      return normalize({
        objects: byKey(objects.map((it) => [keyOf(it), describeObject(it.object)])),
        releases: byKey(releases.map((it) => [nameOf(it), describeRelease(it.object)])),
        storage: byKey(stored),
        sources: byKey(sources.map((it) => [keyOf(it), describeSource(it)])),
        events: describeEvents(events.map(({ object }) => object)),
        cluster: await describeCluster(client, clusterObjects),
        counts: await countAll(counts),
      });
    },

    async short(): Promise<ShortSnapshot> {
      const found = await find(WORKLOADS);
      const releases = await find([HELM_RELEASES]);
      const everywhereKey = ({ resource, object: { metadata } }: Found) =>
        `${metadata.namespace}/${resource}/${metadata.name}`;
      const stored = await mapBounded(found.filter(isStorage), 4, async ({ object }) => {
        const { info } = await decodeRelease(object);
        return `${object.metadata.namespace}/${object.metadata.name} ${info.status}`;
      });
      return normalize({
        objects: found
          .filter((it) => !isStorage(it))
          .map(everywhereKey)
          .sort(),
        releases: byKey(releases.map((it) => [nameOf(it), describeReleaseInShort(it.object)])),
        storage: stored.sort(),
      });
    },
  };

  async function countAll(resources: readonly string[]): Promise<Record<string, number>> {
    const entries = await mapBounded(resources, 4, async (resource) => {
      const objects = await listAt(client, pathOf(resource, namespace));
      return [resource, objects.length] as const;
    });
    return Object.fromEntries(entries);
  }
}

async function describeCluster(
  client: KubeClient,
  paths: readonly string[],
): Promise<Record<string, Described>> {
  const entries = await mapBounded(paths, 4, async (path) => {
    const object = await readAt<KubeObject>(client, path);
    const key = path.split('/').slice(-2).join('/');
    return object === undefined ? undefined : ([key, describeClusterObject(object)] as const);
  });
  return byKey(entries.filter((it) => it !== undefined));
}

interface Source extends KubeObject {
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    artifact?: { revision: string };
    observedChartName?: string;
    observedValuesFiles?: string[];
  };
}

function describeSource({ resource, object }: Found): Described {
  const { metadata, spec, status = {} } = object as Source;
  const { conditions = [], artifact, observedChartName, observedValuesFiles } = status;
  const state = {
    conditions: conditions.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`).sort(),
    message: conditions.find(({ type }) => type === 'Ready')?.message ?? '',
  };
  if (resource !== 'helmcharts') return state;
  return {
    ...state,
    spec,
    finalizers: metadata.finalizers ?? [],
    managers: managersOf(metadata.managedFields),
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(artifact === undefined ? {} : { revision: artifact.revision }),
    ...(observedChartName ? { observedChartName } : {}),
    ...(observedValuesFiles ? { observedValuesFiles } : {}),
  };
}

interface KubernetesEvent extends KubeObject {
  involvedObject: { kind: string; name: string };
  type: string;
  reason: string;
}

const TOLD_OF = new Set(['HelmRelease', 'HelmChart']);
/** Events that say that nothing happened, or whose time depends on the load. */
const IRREGULAR = new Set(['ArtifactUpToDate', 'GarbageCollectionSucceeded']);

function describeEvents(objects: readonly KubeObject[]): string[] {
  const events = objects as KubernetesEvent[];
  const kept = events.filter(
    ({ involvedObject, reason }) => TOLD_OF.has(involvedObject.kind) && !IRREGULAR.has(reason),
  );
  const texts = kept.map(
    ({ involvedObject: { kind, name }, type, reason }) => `${kind}/${name} ${type} ${reason}`,
  );
  return [...new Set(texts)].sort();
}

function nameOf({ object }: Found): string {
  return object.metadata.name;
}

function byKey<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export type { Normalize };

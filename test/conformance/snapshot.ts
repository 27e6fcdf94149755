// What is compared between the systems: the content of a fixture's namespaces, and the events about it.
import { GitRepository, Kustomization } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import {
  Event,
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
  objectKey,
  type ResourceType,
} from '@weir/kube';
import type { Listener } from './events.ts';
import {
  type JsonObject,
  managersOf,
  normalizeConditions,
  normalizeObject,
  normalizeText,
  normalizeValue,
} from './normalize.ts';

/** The compared content by the identity of its objects, so that a difference names the object. */
export interface Snapshot {
  kustomizations: Record<string, JsonObject>;
  sources: Record<string, JsonObject>;
  objects: Record<string, JsonObject>;
  /** Those of the second cluster, where the fixture has one. */
  remote?: Record<string, JsonObject>;
  /**
   * The published events by object, as `<severity> <reason>: <message> [<metadata>]`. Each is listed once, because how
   * often it is repeated depends on timing.
   */
  events: Record<string, string[]>;
  /** The Kubernetes Events of type Warning, `<reason>: <message> [<keys of annotations>]`. */
  warnings: Record<string, string[]>;
}

/** The kinds that fixtures create, as `<apiVersion> <Kind>`. */
const NAMESPACED = [
  'v1 ConfigMap',
  'v1 Secret',
  'v1 Service',
  'v1 ServiceAccount',
  'v1 PersistentVolumeClaim',
  'v1 LimitRange',
  'apps/v1 Deployment',
  'apps/v1 StatefulSet',
  'batch/v1 Job',
  'batch/v1 CronJob',
  'rbac.authorization.k8s.io/v1 Role',
  'rbac.authorization.k8s.io/v1 RoleBinding',
  'networking.k8s.io/v1 Ingress',
  'policy/v1 PodDisruptionBudget',
  'autoscaling/v2 HorizontalPodAutoscaler',
];
const CLUSTER_WIDE = [
  'v1 Namespace',
  'apiextensions.k8s.io/v1 CustomResourceDefinition',
  'rbac.authorization.k8s.io/v1 ClusterRole',
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding',
  'scheduling.k8s.io/v1 PriorityClass',
];
/** Objects that Kubernetes creates in every namespace. */
const DEFAULT_OBJECTS = new Set(['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default']);
/** Objects that lead to another cluster: they contain addresses and keys, which differ in each session. */
const WAYS_TO_CLUSTERS = new Set(['Secret/remote', 'ConfigMap/there']);

export interface Scope {
  namespace: string;
  /** Further namespaces. */
  namespaces: readonly string[];
  /** Further kinds, as `<apiVersion> <Kind>`. */
  kinds: readonly string[];
  /** The second cluster. */
  remote?: KubeClient;
}

export async function takeSnapshot(
  client: KubeClient,
  listener: Pick<Listener, 'received'>,
  scope: Scope,
): Promise<Snapshot> {
  const { namespace, namespaces, kinds } = scope;
  const everywhere = [namespace, ...namespaces];
  const label = `kustomize.toolkit.fluxcd.io/namespace in (${everywhere.join(',')})`;
  const all = (from: KubeClient) =>
    Promise.all([
      collect([...NAMESPACED, ...kinds], (type) => listIn(from, type, everywhere), from),
      collect(CLUSTER_WIDE, (type) => list(from, type, { labelSelector: label }), from),
    ]);
  const [here, there, events, kustomizations, sources] = await Promise.all([
    all(client),
    scope.remote === undefined ? undefined : all(scope.remote),
    listIn(client, Event, everywhere),
    listIn(client, Kustomization, everywhere),
    listIn(client, GitRepository, everywhere),
  ]);
  const name = (object: KubeObject) => nameIn(namespace, object);
  const kept = (lists: KubeObject[][]) => {
    const objects = lists.flat().filter(({ kind, metadata }) => {
      const title = `${kind}/${metadata.name}`;
      const leadsElsewhere = metadata.namespace === namespace && WAYS_TO_CLUSTERS.has(title);
      return !DEFAULT_OBJECTS.has(title) && !leadsElsewhere;
    });
    return byName(objects, (object) => `${object.kind} ${name(object)}`, normalizeObject);
  };
  return {
    kustomizations: byName(
      kustomizations,
      ({ metadata }) => nameIn(namespace, { metadata }),
      describe,
    ),
    sources: byName(sources, ({ metadata }) => nameIn(namespace, { metadata }), describeSource),
    objects: kept(here),
    ...(there === undefined ? {} : { remote: kept(there) }),
    events: byObject(listener.received(everywhere), namespace, describeEvent),
    warnings: byObject(events as KubernetesEvent[], namespace, describeWarning),
  };
}

/** Whether a run is under way, so that the snapshot will still change. */
export function isMoving({ kustomizations, sources }: Snapshot): boolean {
  return [...Object.values(kustomizations), ...Object.values(sources)].some(({ conditions }) => {
    const { Ready } = conditions as { Ready?: { status?: string } };
    return Ready?.status === 'Unknown';
  });
}

/** The object's name, or `<namespace>/<name>` when it isn't in the fixture's own namespace. */
function nameIn(namespace: string, { metadata }: Pick<KubeObject, 'metadata'>): string {
  return metadata.namespace === namespace ? metadata.name : objectKey(metadata);
}

async function collect(
  kinds: readonly string[],
  listOf: (type: ResourceType) => Promise<KubeObject[]>,
  client: KubeClient,
): Promise<KubeObject[]> {
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const [apiVersion = '', name = ''] = kind.split(' ');
      try {
        const type = await client.discovery.resourceForKind(apiVersion, name);
        const items = await listOf(type);
        // Items of a list have no apiVersion and kind.
        return items.map((item) => ({ ...item, apiVersion, kind: name }));
      } catch (error) {
        // The fixture defines this kind later, or its definition was just deleted.
        if (isNoMatch(error) || isNotFound(error)) return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}

async function list(
  client: KubeClient,
  type: ResourceType,
  options: { namespace?: string; labelSelector?: string },
): Promise<KubeObject[]> {
  return (await client.list<KubeObject>(type, options)).items;
}

async function listIn(
  client: KubeClient,
  type: ResourceType,
  namespaces: readonly string[],
): Promise<KubeObject[]> {
  const lists = await Promise.all(namespaces.map((namespace) => list(client, type, { namespace })));
  return lists.flat();
}

function byName(
  objects: readonly KubeObject[],
  name: (object: KubeObject) => string,
  describe: (object: KubeObject) => JsonObject,
): Record<string, JsonObject> {
  const entries = objects.map((object): [string, JsonObject] => [name(object), describe(object)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describe(object: KubeObject): JsonObject {
  const { conditions, inventory, history, ...rest } = ((object as Kustomization).status ??
    {}) as NonNullable<Kustomization['status']>;
  return {
    ...describeMetadata(object),
    conditions: normalizeConditions(conditions),
    ...(normalizeValue(rest) as JsonObject),
    inventory: (inventory?.entries ?? []).map(({ id, v }) => `${id} ${v}`).sort(),
    history: (history ?? []).map(({ digest, lastReconciledStatus, metadata }) =>
      normalizeValue({ digest, status: lastReconciledStatus, metadata }),
    ),
  };
}

function describeSource(object: KubeObject): JsonObject {
  const { conditions, artifact, observedGeneration } = ((object as GitRepository).status ??
    {}) as NonNullable<GitRepository['status']>;
  return {
    ...describeMetadata(object),
    conditions: normalizeConditions(conditions),
    ...(artifact === undefined ? {} : { revision: artifact.revision }),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}

function describeMetadata(object: KubeObject): JsonObject {
  const { generation = 0, finalizers = [], deletionTimestamp } = object.metadata;
  return {
    generation,
    finalizers,
    ...(deletionTimestamp === undefined ? {} : { terminating: true }),
    managers: managersOf(object),
  };
}

interface KubernetesEvent extends KubeObject, Told {
  type: string;
}

interface Told {
  involvedObject: { kind: string; name: string; namespace?: string };
  reason: string;
  message: string;
}

const TOLD_OF = new Set(['Kustomization', 'GitRepository']);
/** Reasons of events that are not compared, because whether they occur before the snapshot depends on timing. */
const IRREGULAR_REASONS = new Set(['GarbageCollectionSucceeded']);

function byObject<Event extends Told>(
  events: readonly Event[],
  own: string,
  describe: (event: Event) => string[],
): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const event of events) {
    const { kind, name, namespace = own } = event.involvedObject;
    if (!TOLD_OF.has(kind) || IRREGULAR_REASONS.has(event.reason)) continue;
    const subject = `${kind} ${nameIn(own, { metadata: { name, namespace } })}`;
    for (const text of describe(event)) {
      found.set(subject, (found.get(subject) ?? new Set()).add(text));
    }
  }
  return Object.fromEntries([...found].sort().map(([name, texts]) => [name, [...texts].sort()]));
}

function describeEvent({ severity, reason, message, metadata = {} }: FluxEvent): string[] {
  const entries = Object.entries(metadata).map(describeEntry);
  return [`${severity} ${reason}: ${normalizeText(message)}${inBrackets(entries)}`];
}

/** Flux counts repetitions in one Event with the annotations of the first one, so only the keys of these are compared. */
function describeWarning({ type, reason, message, metadata }: KubernetesEvent): string[] {
  if (type !== 'Warning') return [];
  const keys = Object.keys(metadata.annotations ?? {}).map(shortKey);
  return [`${reason}: ${normalizeText(message)}${inBrackets(keys)}`];
}

/** `<key>=<value>`, but only the key of a digest, because the archives of both systems may differ in bytes. */
function describeEntry([key, value]: [string, string]): string {
  const short = shortKey(key);
  return short === 'source/digest' ? short : `${short}=${value}`;
}

function inBrackets(texts: string[]): string {
  return texts.length === 0 ? '' : ` [${texts.sort().join(' ')}]`;
}

function shortKey(key: string): string {
  return key.replace('.toolkit.fluxcd.io', '');
}

// What is compared: all that a fixture's namespaces hold, as both systems should have left it.
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
import type { Listener } from './listen.ts';
import {
  type JsonObject,
  managersOf,
  normalizeConditions,
  normalizeObject,
  normalizeText,
  normalizeValue,
} from './normalize.ts';

/** By the identity of what is compared, so that two of them differ where the clusters did. */
export interface Snapshot {
  kustomizations: Record<string, JsonObject>;
  sources: Record<string, JsonObject>;
  objects: Record<string, JsonObject>;
  /**
   * What is told to those who listen, `<severity> <reason>: <message> [<metadata>]` by object, each once:
   * how often something is said is a matter of time.
   */
  events: Record<string, string[]>;
  /** The Kubernetes Events of type Warning, `<reason>: <message> [<keys of annotations>]`. */
  warnings: Record<string, string[]>;
}

/** `<apiVersion> <Kind>` of what fixtures make. */
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
/** What Kubernetes puts into every namespace. */
const FURNITURE = new Set(['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default']);

export interface Scope {
  namespace: string;
  /** Beside it. */
  namespaces: readonly string[];
  /** `<apiVersion> <Kind>` of more objects. */
  kinds: readonly string[];
}

export async function takeSnapshot(
  client: KubeClient,
  listener: Pick<Listener, 'heard'>,
  scope: Scope,
): Promise<Snapshot> {
  const { namespace, namespaces, kinds } = scope;
  const everywhere = [namespace, ...namespaces];
  const label = `kustomize.toolkit.fluxcd.io/namespace in (${everywhere.join(',')})`;
  const [objects, wide, events, kustomizations, sources] = await Promise.all([
    collect([...NAMESPACED, ...kinds], (type) => listIn(client, type, everywhere), client),
    collect(CLUSTER_WIDE, (type) => list(client, type, { labelSelector: label }), client),
    listIn(client, Event, everywhere),
    listIn(client, Kustomization, everywhere),
    listIn(client, GitRepository, everywhere),
  ]);
  const name = (object: KubeObject) => nameIn(namespace, object);
  const kept = [...objects, ...wide].filter(
    (object) => !FURNITURE.has(`${object.kind}/${object.metadata.name}`),
  );
  return {
    kustomizations: byName(
      kustomizations,
      ({ metadata }) => nameIn(namespace, { metadata }),
      describe,
    ),
    sources: byName(sources, ({ metadata }) => nameIn(namespace, { metadata }), describeSource),
    objects: byName(kept, (object) => `${object.kind} ${name(object)}`, normalizeObject),
    events: byObject(listener.heard(everywhere), namespace, describeEvent),
    warnings: byObject(events as KubernetesEvent[], namespace, describeWarning),
  };
}

/** Whether a run is under way: what there is now is not what will be left. */
export function isMoving({ kustomizations, sources }: Snapshot): boolean {
  return [...Object.values(kustomizations), ...Object.values(sources)].some(({ conditions }) => {
    const { Ready } = conditions as { Ready?: { status?: string } };
    return Ready?.status === 'Unknown';
  });
}

/** `<name>`, or `<namespace>/<name>` where it isn't in the fixture's own namespace. */
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
        // Items of a list don't say what they are.
        return items.map((item) => ({ ...item, apiVersion, kind: name }));
      } catch (error) {
        // A kind that the fixture defines later, or whose definition has just gone.
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
/** Whether an old artifact is collected soon enough to be seen is a matter of time. */
const HOUSEKEEPING = new Set(['GarbageCollectionSucceeded']);

function byObject<Event extends Told>(
  events: readonly Event[],
  own: string,
  describe: (event: Event) => string[],
): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const event of events) {
    const { kind, name, namespace = own } = event.involvedObject;
    if (!TOLD_OF.has(kind) || HOUSEKEEPING.has(event.reason)) continue;
    const subject = `${kind} ${nameIn(own, { metadata: { name, namespace } })}`;
    for (const text of describe(event)) {
      found.set(subject, (found.get(subject) ?? new Set()).add(text));
    }
  }
  return Object.fromEntries([...found].sort().map(([name, told]) => [name, [...told].sort()]));
}

function describeEvent({ severity, reason, message, metadata = {} }: FluxEvent): string[] {
  const entries = Object.entries(metadata).map(describeEntry);
  return [`${severity} ${reason}: ${normalizeText(message)}${inBrackets(entries)}`];
}

/** Flux counts repetitions in one Event, whose annotations are the first one's: only their keys are sure. */
function describeWarning({ type, reason, message, metadata }: KubernetesEvent): string[] {
  if (type !== 'Warning') return [];
  const keys = Object.keys(metadata.annotations ?? {}).map(shortKey);
  return [`${reason}: ${normalizeText(message)}${inBrackets(keys)}`];
}

/** `<key>=<value>`; of a digest the key only, as an archive need not be the same byte for byte. */
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

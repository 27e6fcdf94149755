// The order of deletion (gate `OrderedDeletion`): an object stays until those that depend on it, and are being deleted too,
// are gone.
import { HelmRelease, Kustomization } from '@weir/api';
import { type Change, type Controller, createInformer, type Informer } from '@weir/controller';
import { type KubeClient, objectKey, parseApiVersion } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Dependent, dependencyKeys, foreignReference } from './references.ts';

/** `<kind>/<namespace>/<name>` */
type Id = string;

export interface DeletionOrder {
  /** The objects that have to be gone first, as `<kind>/<namespace>/<name>`. */
  waitsFor(object: Dependent): Id[];
  /** Starts a run of an object when one that depends on it is gone; returns a function that ends that. */
  onGone(controller: Pick<Controller, 'enqueue'>): () => void;
  close(): void;
}

export interface DeletionOrderOptions<T extends Dependent> {
  client: KubeClient;
  /** All objects of the kind whose deletion is ordered here. */
  informer: Informer<T>;
  kind: 'Kustomization' | 'HelmRelease';
  log: Logger;
}

/** Watches the other kind too, whose objects may depend on these. */
export function createDeletionOrder<T extends Dependent>({
  client,
  informer,
  kind,
  log,
}: DeletionOrderOptions<T>): DeletionOrder {
  const other = kind === 'Kustomization' ? HelmRelease : Kustomization;
  const others = createInformer<Dependent>(client, other, { log });
  return {
    waitsFor: (object) => dependentsToGo(object, [...informer.list(), ...others.list()]),
    onGone(controller) {
      function wake({ type, previous }: Change<Dependent>): void {
        if (type !== 'deleted' || previous === undefined) return;
        for (const id of dependenciesOf(previous)) {
          const [of, ...key] = id.split('/');
          if (of === kind) controller.enqueue(key.join('/'), { cause: 'dependency' });
        }
      }
      const stops = [informer.onChange(wake), others.onChange(wake)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    close: () => others.close(),
  };
}

/** Why an object isn't deleted yet, and when to check again if no event is certain to come. */
export interface DeletionWait {
  message: string;
  retryMs: number;
}

/** Undefined when the object need not wait, or the gate is off. */
export function waitsForDependents(
  order: Pick<DeletionOrder, 'waitsFor'> | undefined,
  object: Dependent,
  retryMs: number,
): DeletionWait | undefined {
  const waiting = order?.waitsFor(object) ?? [];
  if (waiting.length === 0) return undefined;
  const message = `waiting for what depends on it to be gone: ${waiting.join(', ')}`;
  return { message, retryMs: isFresh(object) ? TOGETHER_MS : retryMs };
}

/**
 * Objects that one command deletes, or that are deleted with their namespace, get their deletion timestamps one after
 * the other. For this long after an object got its own, its dependents may be about to get theirs.
 */
const TOGETHER_MS = 3_000;

function isFresh({ metadata: { deletionTimestamp } }: Dependent): boolean {
  return (
    deletionTimestamp !== undefined && Date.now() - Date.parse(deletionTimestamp) < TOGETHER_MS
  );
}

/**
 * The dependents among `all` that are being deleted, or may be in a moment. A dependent on which this object depends
 * itself, directly or through others, is left out: the two would wait for each other without end.
 */
export function dependentsToGo(object: Dependent, all: readonly Dependent[]): Id[] {
  const id = idOf(object);
  const byId = new Map(all.map((one) => [idOf(one), one]));
  const needed = reachableFrom(object, byId);
  return all
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined || isFresh(object))
    .filter((one) => dependenciesOf(one).includes(id))
    .map(idOf)
    .filter((one) => one !== id && !needed.has(one))
    .sort();
}

function reachableFrom(object: Dependent, byId: ReadonlyMap<Id, Dependent>): Set<Id> {
  const reached = new Set<Id>();
  const left = [object];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    for (const id of dependenciesOf(one)) {
      const next = byId.get(id);
      if (next === undefined || reached.has(id)) continue;
      reached.add(id);
      left.push(next);
    }
  }
  return reached;
}

/** The Kustomizations and HelmReleases that the object depends on. */
function dependenciesOf(object: Dependent): Id[] {
  const own = dependencyKeys(object).map((key) => `${object.kind}/${key}`);
  const foreign = (object.spec?.dependsOn ?? []).flatMap((reference) => {
    const found = foreignReference(reference, object);
    if (found?.apiVersion === undefined) return [];
    const { group } = parseApiVersion(found.apiVersion);
    const isFlux = [Kustomization, HelmRelease].some(
      (it) => it.kind === found.kind && it.group === group,
    );
    return isFlux ? `${found.kind}/${objectKey(found)}` : [];
  });
  return [...own, ...foreign];
}

function idOf(object: Dependent): Id {
  return `${object.kind}/${objectKey(object)}`;
}

// What starts runs of objects besides their own changes and their interval. Each function subscribes, adds to the
// controller's queue, and returns a function that ends the subscription.
import {
  type Controller,
  createInformer,
  type Index,
  type Informer,
  indexBy,
} from '@weir/controller';
import {
  ConfigMap,
  CustomResourceDefinition,
  type KubeClient,
  type KubeObject,
  objectKey,
  Secret,
} from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Dependent, dependencyKeys } from './dependencies/references.ts';
import type { DependencyWatches } from './dependencies/watches.ts';
import type { Waiters } from './waiters.ts';

type Enqueue = Pick<Controller, 'enqueue'>;

/** A change of a dependency starts a run of the objects that wait for it. */
export function onDependencies<T extends Dependent>(
  informer: Informer<T>,
  waiters: Pick<Waiters, 'waitsForDependency'>,
  watches: Pick<DependencyWatches, 'onChange'>,
  controller: Enqueue,
): () => void {
  const dependents = indexBy(informer, dependencyKeys);
  const stopForeign = watches.onChange((key) => controller.enqueue(key, { cause: 'dependency' }));
  const stop = informer.onChange(({ object }) => {
    for (const dependent of dependents.get(objectKey(object))) {
      const key = objectKey(dependent);
      if (waiters.waitsForDependency(key)) controller.enqueue(key, { cause: 'dependency' });
    }
  });
  return () => {
    stop();
    stopForeign();
    dependents.close();
  };
}

export interface ConfigTrigger<T extends KubeObject> {
  client: KubeClient;
  informer: Informer<T>;
  controller: Enqueue;
  /** The label selector of the watched ConfigMaps and Secrets. Only their metadata is watched. */
  labelSelector: string;
  /** `<kind>/<namespace>/<name>` of the ConfigMaps and Secrets that an object uses. */
  usedBy(object: T): string[];
  cause: string;
  /** Whether a run that is under way is ended. */
  interrupt: boolean;
  log: Logger;
}

/** A change of a ConfigMap or Secret starts a run of the objects that use it. */
export function onConfigs<T extends KubeObject>(trigger: ConfigTrigger<T>): () => void {
  const users = indexBy(trigger.informer, trigger.usedBy);
  const stops = [ConfigMap, Secret].map((type) => onConfig(trigger, users, type));
  return () => {
    for (const stop of stops) stop();
    users.close();
  };
}

function onConfig<T extends KubeObject>(
  { client, controller, labelSelector, cause, interrupt, log }: ConfigTrigger<T>,
  users: Index<T>,
  type: typeof ConfigMap,
): () => void {
  const informer = createInformer(client, type, { labelSelector, metadataOnly: true, log });
  // What exists at the start is read by the first run of every object.
  const stop = informer.onChange(({ object }) => {
    if (!informer.hasSynced()) return;
    const subject = `${type.kind}/${objectKey(object)}`;
    for (const user of users.get(subject)) {
      controller.enqueue(objectKey(user), { cause, interrupt, subject });
    }
  });
  return () => {
    stop();
    informer.close();
  };
}

export interface KindTrigger {
  client: KubeClient;
  /** A client whose discovery knows the kinds that objects wait for. */
  target: KubeClient;
  waiters: Pick<Waiters, 'definitionsChanged'>;
  controller: Enqueue;
  log: Logger;
}

/** A change of a definition may add the kind whose absence made a run fail. */
export function onNewKinds({ client, target, waiters, controller, log }: KindTrigger): () => void {
  const informer = createInformer(client, CustomResourceDefinition, { metadataOnly: true, log });
  const stop = informer.onChange(({ type, object }) => {
    if (!informer.hasSynced()) return;
    // The next apply discovers the kinds anew, so that none fails for a kind that was just added.
    target.discovery.invalidate();
    if (type === 'deleted') return;
    const [, group = ''] = /^[^.]+\.(.+)$/.exec(object.metadata.name) ?? [];
    for (const key of waiters.definitionsChanged(group)) controller.enqueue(key, { cause: 'kind' });
  });
  return () => {
    stop();
    informer.close();
  };
}

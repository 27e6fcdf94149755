// What makes objects run besides their own changes and their interval. Each function subscribes, enqueues in the controller,
// and returns the way to end that.
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

/** A dependency that changed wakes those that wait for it. */
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
  /** Which ConfigMaps and Secrets are watched. Only their metadata is. */
  labelSelector: string;
  /** `<kind>/<namespace>/<name>` of the ConfigMaps and Secrets that an object uses. */
  usedBy(object: T): string[];
  cause: string;
  /** Whether a run that is under way is ended. */
  interrupt: boolean;
  log: Logger;
}

/** A ConfigMap or Secret that changed wakes those that use it. */
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
  // What is there at the start was read by the run that every object begins with.
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
  /** The client whose discovery knows the kinds for those that wait. */
  target: KubeClient;
  waiters: Pick<Waiters, 'definitionsChanged'>;
  controller: Enqueue;
  log: Logger;
}

/** A definition that changes may bring the kind for want of which a run failed. */
export function onNewKinds({ client, target, waiters, controller, log }: KindTrigger): () => void {
  const informer = createInformer(client, CustomResourceDefinition, { metadataOnly: true, log });
  const stop = informer.onChange(({ type, object }) => {
    if (!informer.hasSynced()) return;
    // Whatever is applied next finds the kinds as they are now, and fails for none that has just come.
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

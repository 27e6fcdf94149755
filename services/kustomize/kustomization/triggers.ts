// What makes a Kustomization run besides its own changes and its interval: artifacts, dependencies,
// variables, new kinds, and drift.
import type { Kustomization } from '@weir/api';
import { findCondition, READY, Reason } from '@weir/api';
import { type Drift, formatDrift } from '@weir/apply';
import { readArtifacts } from '@weir/artifact';
import type { Bus } from '@weir/bus';
import {
  type Controller,
  createInformer,
  type Index,
  type Informer,
  indexBy,
} from '@weir/controller';
import type { Recorder } from '@weir/events';
import {
  ConfigMap,
  CustomResourceDefinition,
  type KubeClient,
  objectKey,
  Secret,
} from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { Bases } from './last-build/last-builds.ts';
import { dependencyKeys, sourceKey } from './dependencies/dependencies.ts';
import { createReferee, rivals } from './apply/drift.ts';
import { DRIFT, LOOKING } from './environment.ts';
import type { Gates } from '../feature-gates.ts';
import type { Manifests } from './build/file-index.ts';
import type { ArtifactChange, Sources } from './sources.ts';
import { affectedFirst } from './last-build/skip-build.ts';
import { variableSources } from './build/variables.ts';
import type { Waiting } from './waiters.ts';

export interface TriggerOptions {
  client: KubeClient;
  bus: Bus;
  kustomizations: Informer<Kustomization>;
  controller: Controller;
  waiting: Waiting;
  attempts: ReadonlyMap<string, string>;
  bases: Bases;
  manifests: Manifests;
  recorder: Recorder;
  gates: Gates;
  /** A label selector. */
  watchedConfigs: string;
  log: Logger;
  signal: AbortSignal;
}

export interface Triggers {
  artifact(change: ArtifactChange): Promise<void>;
  drift(drift: Drift): void;
  /** Reads artifact messages until the signal aborts. */
  follow(sources: Sources): Promise<void>;
  close(): void;
}

/** Connects everything that may concern a Kustomization to the controller's queue. */
export function createTriggers(options: TriggerOptions): Triggers {
  const { kustomizations, controller, attempts, recorder, gates } = options;
  const bySource = indexBy(kustomizations, (object) => [sourceKey(object)]);
  const stops = [
    onDependencies(options),
    ...(gates.DisableConfigWatchers
      ? []
      : [onVariables(options, ConfigMap), onVariables(options, Secret)]),
    onNewKinds(options),
  ];
  const judge = createReferee();

  return {
    async artifact({ source, artifact, traceparent }) {
      for (const object of await affectedFirst(options, bySource.get(source), artifact)) {
        const key = objectKey(object);
        const attempted = attempts.get(key) ?? object.status?.lastAttemptedRevision;
        if (attempted === LOOKING) continue;
        if (attempted === artifact.revision && !lacksArtifact(object)) continue;
        controller.enqueue(key, {
          cause: 'artifact',
          interrupt: gates.CancelHealthCheckOnNewRevision,
          subject: source,
          ...(traceparent === undefined ? {} : { traceparent }),
        });
      }
    },
    drift(drift) {
      const object = kustomizations.get(drift.owner);
      if (object === undefined || object.spec.suspend) return;
      // It would fail again before it could put anything right; the next try looks at everything.
      if (appliesNothing(object) && !controller.isRunning(drift.owner)) return;
      const { delayMs, isNewFight } = judge(drift);
      options.log.info({ owner: drift.owner, drift: formatDrift(drift), delayMs }, 'drift');
      if (isNewFight) {
        const message = `${formatDrift(drift)} again and again, correcting it less often. ${rivals(drift)}`;
        recorder.event(object, { severity: 'error', reason: 'DriftRepeated', message });
      }
      // A wait for health might wait for just what was deleted. A fight must not keep it from its end.
      controller.enqueue(drift.owner, { cause: DRIFT, delayMs, interrupt: delayMs === 0 });
    },
    async follow(sources) {
      const { bus, signal } = options;
      for await (const { message, traceparent } of readArtifacts(bus, { signal })) {
        sources.offer(message, traceparent);
      }
    },
    close() {
      for (const stop of stops) stop();
      bySource.close();
    },
  };
}

/** Only where the artifact itself was the trouble is the same revision worth another run. */
function lacksArtifact({ status }: Kustomization): boolean {
  return findCondition(status?.conditions, READY)?.reason === Reason.ArtifactFailed;
}

/** What a run that failed may have got to after its apply. */
const AFTER_APPLY: ReadonlySet<string> = new Set([
  Reason.PruneFailed,
  Reason.HealthCheckFailed,
  Reason.HealthCheckCanceled,
]);

/** Whether the last run failed before its objects were all in place. */
function appliesNothing({ status }: Kustomization): boolean {
  const ready = findCondition(status?.conditions, READY);
  return ready?.status === 'False' && !AFTER_APPLY.has(ready.reason);
}

/** A dependency that changed wakes those that wait for it. */
function onDependencies({ kustomizations, controller, waiting }: TriggerOptions): () => void {
  const dependents = indexBy(kustomizations, dependencyKeys);
  const stop = kustomizations.onChange(({ object }) => {
    for (const dependent of dependents.get(objectKey(object))) {
      const key = objectKey(dependent);
      if (waiting.waitsForDependency(key)) controller.enqueue(key, { cause: 'dependency' });
    }
  });
  return () => {
    stop();
    dependents.close();
  };
}

/** ConfigMaps and Secrets that are to be watched by their labels, and only their metadata. */
function onVariables(
  { client, kustomizations, controller, gates, watchedConfigs, log }: TriggerOptions,
  type: typeof ConfigMap,
): () => void {
  const users: Index<Kustomization> = indexBy(kustomizations, variableSources);
  const informer = createInformer(client, type, {
    labelSelector: watchedConfigs,
    metadataOnly: true,
    log,
  });
  // What is there at the start was read by the run that every Kustomization begins with.
  const stop = informer.onChange(({ object }) => {
    if (!informer.hasSynced()) return;
    const subject = `${type.kind}/${objectKey(object)}`;
    const interrupt = gates.CancelHealthCheckOnNewRevision;
    for (const user of users.get(subject)) {
      controller.enqueue(objectKey(user), { cause: 'variables', interrupt, subject });
    }
  });
  return () => {
    stop();
    informer.close();
    users.close();
  };
}

/** Definitions that change may be what an apply failed for want of. */
function onNewKinds({ client, controller, waiting, log }: TriggerOptions): () => void {
  const informer = createInformer(client, CustomResourceDefinition, { metadataOnly: true, log });
  const stop = informer.onChange(({ type, object }) => {
    if (!informer.hasSynced()) return;
    // Whatever is applied next finds the kinds as they are now, and fails for none that has just come.
    client.discovery.invalidate();
    if (type === 'deleted') return;
    const [, group = ''] = /^[^.]+\.(.+)$/.exec(object.metadata.name) ?? [];
    for (const key of waiting.announce(group)) controller.enqueue(key, { cause: 'kind' });
  });
  return () => {
    stop();
    informer.close();
  };
}

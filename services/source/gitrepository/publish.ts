// Tells other services about artifacts. The status is the truth: what a crash or an outage kept from the streams is
// found missing there the next time, and published again.
import { type Artifact, type GitRepository, Reason } from '@weir/api';
import {
  type ArtifactMessage,
  artifactSubject,
  publishArtifact,
  purgeArtifact,
} from '@weir/artifact';
import { type Bus, decodeCloudEvent, type StreamName } from '@weir/bus';
import { eventSubject, type FluxEvent, type Recorder } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Logger, Tracing } from '@weir/telemetry';

export interface Publisher {
  /** Publishes the artifact that has just been written to the object's status. */
  publish(object: GitRepository): void;
  /** Looks whether the artifact in the status is on the stream, unless that is known; publishes it if it isn't. */
  ensure(object: GitRepository): Promise<void>;
  /** Whether the artifact in the status is known to be on the stream. */
  isPublished(object: GitRepository): boolean;
  /** Records that an artifact was stored for a commit. */
  recordStored(object: GitRepository, reason: string, commit: string): void;
  /** Takes the object's artifact off the stream. */
  withdraw(object: GitRepository): void;
  /** Forgets what is known: the stream was made anew. */
  forget(): void;
}

/** An artifact older than this (ms) that has no event on the stream isn't reported any more. */
const reportedWithinMs = 10 * 60_000;

export function createPublisher(options: {
  bus: Bus;
  recorder: Recorder;
  tracing: Tracing;
  log: Logger;
}): Publisher {
  const { bus, recorder, tracing, log } = options;
  const published = new Map<string, string>();

  function publish(object: GitRepository): void {
    const artifact = object.status?.artifact;
    if (!artifact) return;
    const { uid = '', generation = 0, resourceVersion = '' } = object.metadata;
    const message = { ...refOf(object), uid, generation, resourceVersion, artifact };
    publishArtifact(bus, message, tracing.traceparent());
    published.set(objectKey(object), identityOf(object, artifact));
  }

  function isPublished(object: GitRepository): boolean {
    const artifact = object.status?.artifact;
    return !artifact || published.get(objectKey(object)) === identityOf(object, artifact);
  }

  async function ensure(object: GitRepository): Promise<void> {
    const artifact = object.status?.artifact;
    if (!artifact || isPublished(object) || !bus.connected()) return;
    const ref = refOf(object);
    const message = await lastMessage(bus, 'artifacts', artifactSubject(bus.cluster, ref));
    if (isAbout(message, object, artifact)) {
      published.set(objectKey(object), identityOf(object, artifact));
    } else {
      log.info(
        { revision: artifact.revision },
        'the stream does not hold the artifact, published again',
      );
      publish(object);
    }
    if (Date.now() - Date.parse(artifact.lastUpdateTime) > reportedWithinMs) return;
    const event = await lastMessage(
      bus,
      'events',
      eventSubject(bus.cluster, ref, Reason.NewArtifact),
    );
    if (!tellsOf(event, object, artifact))
      recordStored(object, Reason.NewArtifact, artifact.revision);
  }

  function recordStored(object: GitRepository, reason: string, commit: string): void {
    const artifact = object.status?.artifact;
    if (!artifact) return;
    const { revision, digest, lastUpdateTime } = artifact;
    recorder.event(object, {
      severity: 'info',
      reason,
      message: `stored artifact for commit '${commit}'`,
      metadata: { revision, digest },
      ...(reason === Reason.NewArtifact
        ? { id: `${object.metadata.uid}/${revision}/${digest}/${lastUpdateTime}` }
        : {}),
    });
  }

  return {
    publish,
    ensure,
    isPublished,
    recordStored,
    withdraw(object) {
      published.delete(objectKey(object));
      purgeArtifact(bus, refOf(object));
    },
    forget: () => published.clear(),
  };
}

function refOf({ apiVersion, kind, metadata }: GitRepository) {
  return { group: apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

function identityOf({ metadata }: GitRepository, { revision, digest, url }: Artifact): string {
  return JSON.stringify([metadata.uid, revision, digest, url]);
}

/** The data of the last CloudEvent under a subject. */
async function lastMessage(bus: Bus, stream: StreamName, subject: string): Promise<unknown> {
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
  return message && decodeCloudEvent(message.data)?.data;
}

function isAbout(data: unknown, object: GitRepository, artifact: Artifact): boolean {
  const message = data as Partial<ArtifactMessage> | undefined;
  return (
    message?.uid === object.metadata.uid &&
    message?.artifact !== undefined &&
    identityOf(object, message.artifact) === identityOf(object, artifact)
  );
}

function tellsOf(data: unknown, object: GitRepository, { digest }: Artifact): boolean {
  const event = data as Partial<FluxEvent> | undefined;
  return (
    event?.involvedObject?.uid === object.metadata.uid &&
    Object.values(event?.metadata ?? {}).includes(digest)
  );
}

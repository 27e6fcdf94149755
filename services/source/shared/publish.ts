// Announces artifacts to other services. The status counts: an announcement that was lost in a crash or an outage is
// noticed the next time, and published again.
import type { Artifact } from '@weir/api';
import {
  type ArtifactMessage,
  artifactSubject,
  type CommitHint,
  publishArtifact,
  purgeArtifact,
} from '@weir/artifact';
import { type Bus, decodeCloudEvent, isStreamGone, type StreamName } from '@weir/bus';
import { eventSubject, type FluxEvent, type Recorder } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Logger, Tracing } from '@weir/telemetry';
import type { SourceObject } from './source.ts';

export interface Publisher {
  /** Publishes the artifact that has just been written to the object's status. */
  publish(object: SourceObject, commit?: CommitHint): void;
  /**
   * Checks whether the artifact in the status is on the stream, unless that is known, and publishes it if it isn't.
   * Does the same for its event, whose message is `message`.
   */
  ensure(object: SourceObject, said: { reason: string; message: string }): Promise<void>;
  /** Whether the artifact in the status is known to be on the stream. */
  isPublished(object: SourceObject): boolean;
  /** Publishes the event of an artifact that was stored; `isNew` is false for one that was there before a failure. */
  recordStored(
    object: SourceObject,
    said: { reason: string; message: string; isNew: boolean },
  ): void;
  /** Removes the object's announcement from the stream. */
  withdraw(object: SourceObject): void;
  /** Forgets what was published, because the stream was made anew. */
  forget(): void;
}

/** For an artifact older than this (ms) a missing event is not published any more. */
const reportedWithinMs = 10 * 60_000;

export function createPublisher(options: {
  bus: Bus;
  recorder: Recorder;
  tracing: Tracing;
  log: Logger;
}): Publisher {
  const { bus, recorder, tracing, log } = options;
  const published = new Map<string, string>();

  function publish(object: SourceObject, commit?: CommitHint): void {
    const artifact = object.status?.artifact;
    if (!artifact) return;
    const { uid = '', resourceVersion = '' } = object.metadata;
    const message = { ...refOf(object), uid, resourceVersion, artifact, ...(commit && { commit }) };
    publishArtifact(bus, message, tracing.traceparent());
    published.set(keyOf(object), identityOf(object, artifact));
  }

  function isPublished(object: SourceObject): boolean {
    const artifact = object.status?.artifact;
    return !artifact || published.get(keyOf(object)) === identityOf(object, artifact);
  }

  const ensure: Publisher['ensure'] = async (object, said) => {
    const artifact = object.status?.artifact;
    if (!artifact || isPublished(object) || !bus.connected()) return;
    const ref = refOf(object);
    const message = await lastMessage(bus, 'weir-artifacts', artifactSubject(bus.cluster, ref));
    if (isAbout(message, object, artifact)) {
      published.set(keyOf(object), identityOf(object, artifact));
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
      'weir-events',
      eventSubject(bus.cluster, ref, said.reason),
    );
    if (!isAboutArtifact(event, object, artifact)) {
      recordStored(object, { ...said, isNew: true });
    }
  };

  const recordStored: Publisher['recordStored'] = (object, { reason, message, isNew }) => {
    const artifact = object.status?.artifact;
    if (!artifact) return;
    const { revision, digest, lastUpdateTime } = artifact;
    recorder.event(object, {
      severity: 'info',
      reason,
      message,
      metadata: { revision, digest },
      ...(isNew ? { id: `${object.metadata.uid}/${revision}/${digest}/${lastUpdateTime}` } : {}),
    });
  };

  return {
    publish,
    ensure,
    isPublished,
    recordStored,
    withdraw(object) {
      published.delete(keyOf(object));
      purgeArtifact(bus, refOf(object));
    },
    forget: () => published.clear(),
  };
}

function keyOf(object: SourceObject): string {
  return `${object.kind}/${objectKey(object)}`;
}

function refOf({ apiVersion, kind, metadata }: SourceObject) {
  return { group: apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

function identityOf({ metadata }: SourceObject, { revision, digest, url }: Artifact): string {
  return JSON.stringify([metadata.uid, revision, digest, url]);
}

/** The data of the last CloudEvent of a subject. A stream that its service has not created yet has none. */
async function lastMessage(bus: Bus, stream: StreamName, subject: string): Promise<unknown> {
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  try {
    const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
    return message && decodeCloudEvent(message.data)?.data;
  } catch (error) {
    if (!isStreamGone(error)) throw error;
    bus.streamMissing(stream);
    return undefined;
  }
}

function isAbout(data: unknown, object: SourceObject, artifact: Artifact): boolean {
  const message = data as Partial<ArtifactMessage> | undefined;
  return (
    message?.uid === object.metadata.uid &&
    message?.artifact?.revision === artifact.revision &&
    message.artifact.digest === artifact.digest
  );
}

function isAboutArtifact(data: unknown, object: SourceObject, { digest }: Artifact): boolean {
  const event = data as Partial<FluxEvent> | undefined;
  return (
    event?.involvedObject?.uid === object.metadata.uid &&
    Object.values(event?.metadata ?? {}).includes(digest)
  );
}

import { type ConsumerMessages, DeliverPolicy, type JetStreamClient } from '@nats-io/jetstream';
import type { Artifact } from '@weir/api';
import {
  type Bus,
  decodeCloudEvent,
  isStreamGone,
  kindGroup,
  pause,
  stopOnTrouble,
  tokenText,
} from '@weir/bus';
import { artifactFilter, artifactSubject } from './subjects.ts';

const SOURCE_GROUP = 'source.toolkit.fluxcd.io';

/** Which source. `group` (or an apiVersion) is source.toolkit.fluxcd.io when left out. */
export interface ArtifactRef {
  kind: string;
  group?: string;
  namespace: string;
  name: string;
}

/** A source has this artifact now; with the coordinates of the object that says so. */
export interface ArtifactMessage extends ArtifactRef {
  uid: string;
  generation: number;
  resourceVersion: string;
  /** `status.artifact` of the source. */
  artifact: Artifact;
}

export interface ArtifactReading {
  message: ArtifactMessage;
  traceparent?: string;
}

/** Tells everyone that a source has a new artifact. It goes through the outbox: nothing is awaited. */
export function publishArtifact(bus: Bus, message: ArtifactMessage, traceparent?: string): void {
  const { uid, resourceVersion, artifact } = message;
  bus.publish({
    stream: 'artifacts',
    subject: subjectOf(bus, message),
    // The resourceVersion tells A after B from A before B, whose digests are the same.
    id: `${uid}/${resourceVersion}/${artifact.digest}`,
    type: 'weir.artifact.published',
    source: `/clusters/${bus.cluster}/${kindGroup(message.kind, message.group ?? SOURCE_GROUP)}`,
    data: message,
    traceparent,
  });
}

/** Forgets the artifact of a source that is gone. */
export function purgeArtifact(bus: Bus, ref: ArtifactRef): void {
  bus.purge('artifacts', subjectOf(bus, ref));
}

/**
 * The newest artifact of each source first, then each new one as it is published, until `signal` aborts.
 * It goes on by itself when NATS was away: then nothing newer is missed, though what lies between may be,
 * and all is read again when the stream was made anew. `kinds` are kinds of the source group or `Kind.group`.
 */
export async function* readArtifacts(
  bus: Bus,
  { kinds, signal }: { kinds?: readonly string[]; signal: AbortSignal },
): AsyncGenerator<ArtifactReading, void, undefined> {
  const filters = kinds?.map((kind) =>
    artifactFilter(bus.cluster, kind.includes('.') ? kind : `${kind}.${SOURCE_GROUP}`),
  ) ?? [artifactFilter(bus.cluster)];
  const position: Position = { created: '', sequence: 0 };
  while (!signal.aborted) {
    const messages = await open(bus, filters, position, signal);
    if (messages === undefined) continue;
    const release = stopOnTrouble(bus, messages, signal);
    try {
      for await (const message of messages) {
        position.sequence = message.seq;
        const reading = readingOf(message.data);
        if (reading !== undefined) yield reading;
        if (signal.aborted) return;
      }
    } finally {
      release();
      await messages.close();
    }
  }
}

/** How far we are in which stream: its time of creation tells a new one of the same name. */
interface Position {
  created: string;
  sequence: number;
}

async function open(
  bus: Bus,
  filters: string[],
  position: Position,
  signal: AbortSignal,
): Promise<ConsumerMessages | undefined> {
  try {
    const js = await bus.available(signal);
    await followStream(js, position);
    const consumer = await js.consumers.get('artifacts', {
      filter_subjects: filters,
      ...(position.sequence === 0
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position.sequence + 1 }),
    });
    return await consumer.consume({ idle_heartbeat: 5_000 });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (isStreamGone(error)) bus.recheck();
    // Anything else is NATS going away under us; `available` waits for it to be back.
    await pause(200, signal);
    return undefined;
  }
}

async function followStream(js: JetStreamClient, position: Position): Promise<void> {
  const manager = await js.jetstreamManager(false);
  const { created } = await manager.streams.info('artifacts');
  if (created === position.created) return;
  position.created = created;
  position.sequence = 0;
}

function readingOf(bytes: Uint8Array): ArtifactReading | undefined {
  const event = decodeCloudEvent(bytes);
  if (event?.type !== 'weir.artifact.published') return undefined;
  const message = event.data as ArtifactMessage;
  return event.traceparent === undefined
    ? { message }
    : { message, traceparent: event.traceparent };
}

function subjectOf(bus: Bus, ref: ArtifactRef): string {
  return artifactSubject(bus.cluster, { ...ref, group: ref.group ?? SOURCE_GROUP });
}

/** Which objects of a kind have an artifact announced. Rejects with BusUnavailable while NATS is away. */
export async function announcedArtifacts(
  bus: Bus,
  { group, kind }: { group: string; kind: string },
): Promise<{ namespace: string; name: string }[]> {
  const one = artifactSubject(bus.cluster, { group, kind, namespace: '', name: '' });
  const all = [...one.split('.').slice(0, -2), '*', '*'].join('.');
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { state } = await manager.streams.info('artifacts', { subjects_filter: all });
  return Object.keys(state.subjects ?? {}).map((subject) => {
    const [namespace = '', name = ''] = subject.split('.').slice(-2).map(tokenText);
    return { namespace, name };
  });
}

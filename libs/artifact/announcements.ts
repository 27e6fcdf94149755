import {
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
} from '@nats-io/jetstream';
import {
  type Bus,
  decodeCloudEvent,
  isStreamGone,
  kindGroup,
  pause,
  stopOnTrouble,
  tokenText,
} from '@weir/bus';
import {
  type ArtifactMessage,
  type ArtifactRef,
  boundedCommit,
  parseAnnouncement,
} from './announcement.ts';
import { artifactFilter, artifactSubject } from './subjects.ts';

const STREAM = 'weir-artifacts';
const SOURCE_GROUP = 'source.toolkit.fluxcd.io';
const PUBLISHED = 'weir.artifact.published';

export interface ArtifactReading {
  message: ArtifactMessage;
  traceparent?: string;
}

/** Announces the artifact of a source. The message goes through the outbox, so nothing is awaited. */
export function publishArtifact(bus: Bus, message: ArtifactMessage, traceparent?: string): void {
  const { kind, namespace, name, uid, resourceVersion, commit } = message;
  const { revision, digest } = message.artifact;
  const group = message.group?.split('/')[0];
  const data: ArtifactMessage = {
    ...{ kind, namespace, name, uid, resourceVersion, artifact: { revision, digest } },
    ...(group === undefined ? {} : { group }),
    ...(commit === undefined ? {} : { commit: boundedCommit(commit) }),
  };
  bus.publish({
    stream: STREAM,
    subject: subjectOf(bus, message),
    namespace,
    // The resourceVersion distinguishes a return to artifact A from the first A, as their digests are the same.
    id: `${uid}/${resourceVersion}/${digest}`,
    type: PUBLISHED,
    source: `/clusters/${bus.cluster}/${kindGroup(kind, group ?? SOURCE_GROUP)}`,
    data,
    traceparent,
  });
}

/** Removes the announcement of a source that is gone. */
export function purgeArtifact(bus: Bus, ref: ArtifactRef): void {
  bus.purge(STREAM, subjectOf(bus, ref));
}

/**
 * Yields the newest announcement of each source first, then each new one as it is published, until `signal` aborts.
 * What is no announcement is logged, counted and left out. Reading continues after NATS was away; then the newest
 * announcement of each source is not missed, though an older one may be. All are read again when the stream was created
 * anew. `kinds` are kinds of the source group or `Kind.group`.
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
    const release = stopOnTrouble(bus, STREAM, messages, signal);
    try {
      for await (const message of messages) {
        position.sequence = message.seq;
        const reading = readingOf(bus, message);
        if (reading === undefined) bus.reportMalformed(STREAM, message.subject);
        else yield reading;
        if (signal.aborted) return;
      }
    } finally {
      release();
      await messages.close();
    }
  }
}

/** The position in a stream. The time of creation distinguishes a stream from a later one of the same name. */
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
    const js = await bus.available(signal, STREAM);
    await followStream(js, position);
    const consumer = await js.consumers.get(STREAM, {
      filter_subjects: filters,
      ...(position.sequence === 0
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position.sequence + 1 }),
    });
    return await consumer.consume({ idle_heartbeat: 5_000 });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (isStreamGone(error)) bus.streamMissing(STREAM);
    // Any other error means that NATS went away; `available` waits for it.
    await pause(200, signal);
    return undefined;
  }
}

async function followStream(js: JetStreamClient, position: Position): Promise<void> {
  const manager = await js.jetstreamManager(false);
  const { created } = await manager.streams.info(STREAM);
  if (created === position.created) return;
  position.created = created;
  position.sequence = 0;
}

function readingOf(bus: Bus, { subject, data }: JsMsg): ArtifactReading | undefined {
  const event = decodeCloudEvent(data);
  if (event?.type !== PUBLISHED) return undefined;
  const message = parseAnnouncement(event.data);
  // The server checks who may publish under a subject, so an announcement must be about the source in its subject.
  if (message === undefined || subjectOf(bus, message) !== subject) return undefined;
  return event.traceparent === undefined
    ? { message }
    : { message, traceparent: event.traceparent };
}

function subjectOf(bus: Bus, ref: ArtifactRef): string {
  return artifactSubject(bus.cluster, { ...ref, group: ref.group ?? SOURCE_GROUP });
}

function textOf(token: string): string | undefined {
  try {
    return tokenText(token);
  } catch {
    // A token that names nothing is malformed, which the caller reports.
    return undefined;
  }
}

/** The newest announcement of a source. Rejects with BusUnavailable while NATS is away. */
export async function newestArtifact(
  bus: Bus,
  ref: ArtifactRef,
): Promise<ArtifactMessage | undefined> {
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const subject = subjectOf(bus, ref);
  const message = await manager.direct.getMessage(STREAM, { last_by_subj: subject });
  return message === null ? undefined : parseAnnouncement(decodeCloudEvent(message.data)?.data);
}

/** The objects of a kind that have an announcement. Rejects with BusUnavailable while NATS is away. */
export async function announcedArtifacts(
  bus: Bus,
  { group, kind }: { group: string; kind: string },
): Promise<{ namespace: string; name: string }[]> {
  const one = artifactSubject(bus.cluster, { group, kind, namespace: '', name: '' });
  const all = [...one.split('.').slice(0, -2), '*', '*'].join('.');
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { state } = await manager.streams.info(STREAM, { subjects_filter: all });
  return Object.keys(state.subjects ?? {}).flatMap((subject) => {
    const [namespace, name] = subject.split('.').slice(-2).map(textOf);
    if (namespace !== undefined && name !== undefined) return [{ namespace, name }];
    bus.reportMalformed(STREAM, subject);
    return [];
  });
}

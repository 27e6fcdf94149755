// The messages over NATS about artifacts of sources. They are hints: only what the API server says counts.
import type { ArtifactReading } from '@weir/artifact';
import { artifactId } from './artifact.ts';
import type { SourceObject } from './kind-watches.ts';

/** The parts of a message that can be compared with the object in the API server. */
export interface Announcement {
  kind: string;
  /** `<namespace>/<name>` */
  key: string;
  uid: string;
  /** Revision and digest of the artifact. */
  id: string;
  /** The trace context of the message, which the work on the artifact continues. */
  traceparent?: string;
}

/** Reads which artifact of which object a message is about. Only the form of the message has been checked. */
export function announcementOf({ message, traceparent }: ArtifactReading): Announcement {
  const { kind, namespace, name, uid, artifact } = message;
  return {
    kind,
    key: `${namespace}/${name}`,
    uid,
    id: artifactId(artifact),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** Whether the object in the API server has the artifact that was announced. */
export function isConfirmed(
  announcement: Announcement | undefined,
  { metadata, status }: SourceObject,
): announcement is Announcement {
  return (
    announcement !== undefined &&
    announcement.uid === metadata.uid &&
    status?.artifact !== undefined &&
    announcement.id === artifactId(status.artifact)
  );
}

// What NATS announces about sources: a hint of what the API server will show, and never more than that.
import type { ArtifactReading } from '@weir/artifact';
import { artifactId } from './artifact.ts';
import type { SourceObject } from './kind-watches.ts';

/** The parts of a message that can be compared with what the API server says. */
export interface Announcement {
  kind: string;
  /** `<namespace>/<name>` */
  key: string;
  uid: string;
  /** Revision and digest of the artifact. */
  id: string;
  /** Where the trace of the artifact goes on. */
  traceparent?: string;
}

/** What a message, which has been checked for its form only, says about which artifact of which object. */
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

/** Whether the object, as the API server has it, says what was announced. */
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

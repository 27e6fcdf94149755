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

/** No name, revision or digest is longer. Characters. */
const MAX_TEXT = 1_024;
/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00 */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Undefined for a message that does not say which artifact of which object it means, whatever else it says. */
export function announcementOf({
  message,
  traceparent,
}: ArtifactReading): Announcement | undefined {
  // Anybody who may publish can have written it: its static type is a wish.
  const { kind, namespace, name, uid, artifact }: Loose<ArtifactReading['message']> = message ?? {};
  const { revision, digest }: Loose<ArtifactReading['message']['artifact']> = artifact ?? {};
  if (!isText(kind) || !isText(namespace) || !isText(name) || !isText(uid)) return undefined;
  if (!isText(revision) || !isText(digest)) return undefined;
  const isTrace = traceparent !== undefined && TRACEPARENT.test(traceparent);
  return {
    kind,
    key: `${namespace}/${name}`,
    uid,
    id: artifactId({ revision, digest }),
    ...(isTrace ? { traceparent } : {}),
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

type Loose<T> = { [K in keyof T]?: unknown };

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}

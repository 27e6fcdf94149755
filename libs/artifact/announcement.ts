import type { Artifact } from '@weir/api';

/** A source. `group` (or an apiVersion) is source.toolkit.fluxcd.io when left out. */
export interface ArtifactRef {
  kind: string;
  group?: string;
  namespace: string;
  name: string;
}

/**
 * A hint that this source may have a new artifact. Anybody with the right to publish can send it for any source, so its
 * contents are not trusted: what counts is `status.artifact` of the object in the API server.
 */
export interface ArtifactMessage extends ArtifactRef {
  uid: string;
  /** The resourceVersion of the object whose status has the artifact. */
  resourceVersion: string;
  /** Hints, by which a reader recognizes an artifact that it has handled, or the one that the trace belongs to. */
  artifact: Pick<Artifact, 'revision' | 'digest'>;
  /** Also a hint: subject and author of the Git commit, for messages. */
  commit?: CommitHint;
}

/** Subject and author of a Git commit, as its author wrote them. */
export interface CommitHint {
  subject: string;
  author: string;
}

// Names as the API server allows them: DNS labels of 63 characters, subdomains of 253 (RFC 1123), and a
// resourceVersion that is a number, as every API server counts it.
const SHAPES = {
  kind: /^[A-Za-z][A-Za-z0-9]{0,62}$/,
  group: /^[a-z0-9.-]{1,253}$/,
  namespace: /^[a-z0-9-]{1,63}$/,
  name: /^[a-z0-9.-]{1,253}$/,
  uid: /^[A-Za-z0-9-]{1,64}$/,
  resourceVersion: /^[0-9]{1,20}$/,
} as const;
const DIGEST = /^sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$/;
/** A revision holds a branch or tag, which Git bounds by the length of a path. Characters. */
const MAX_REVISION = 4_096;
const MAX_COMMIT_TEXT = 256;

/** Parses an announcement from the stream; undefined for anything else. Unknown fields are left out. */
export function parseAnnouncement(data: unknown): ArtifactMessage | undefined {
  if (!isRecord(data) || !isRecord(data.artifact)) return undefined;
  const { group, artifact } = data;
  const { revision, digest } = artifact;
  const texts: Record<string, string> = {};
  for (const [field, shape] of Object.entries(SHAPES)) {
    const value = data[field];
    if (field === 'group' && group === undefined) continue;
    if (typeof value !== 'string' || !shape.test(value)) return undefined;
    texts[field] = value;
  }
  if (typeof digest !== 'string' || !DIGEST.test(digest)) return undefined;
  if (typeof revision !== 'string' || revision === '' || revision.length > MAX_REVISION) {
    return undefined;
  }
  const commit = parseCommit(data.commit);
  return {
    ...(texts as Omit<ArtifactMessage, 'artifact' | 'commit'>),
    artifact: { revision, digest },
    ...(commit === undefined ? {} : { commit }),
  };
}

/** Undefined for what is no hint: then the announcement is used without it. */
function parseCommit(data: unknown): CommitHint | undefined {
  if (!isRecord(data)) return undefined;
  const { subject, author } = data;
  if (typeof subject !== 'string' || typeof author !== 'string') return undefined;
  return boundedCommit({ subject, author });
}

/** Cuts a commit's texts, which have no bound, as messages of the stream have one. */
export function boundedCommit({ subject, author }: CommitHint): CommitHint {
  return { subject: subject.slice(0, MAX_COMMIT_TEXT), author: author.slice(0, MAX_COMMIT_TEXT) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

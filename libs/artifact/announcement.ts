import type { Artifact } from '@weir/api';

/** Which source. `group` (or an apiVersion) is source.toolkit.fluxcd.io when left out. */
export interface ArtifactRef {
  kind: string;
  group?: string;
  namespace: string;
  name: string;
}

/**
 * A wake-up: this source may have a new artifact. Whoever may publish can say so of any source, so nothing in it is to
 * be believed: what is true is `status.artifact` of the object in the API server.
 */
export interface ArtifactMessage extends ArtifactRef {
  uid: string;
  /** Of the object whose status has the artifact. */
  resourceVersion: string;
  /** Hints: by them a reader knows that it has seen this artifact, or which one the trace belongs to. */
  artifact: Pick<Artifact, 'revision' | 'digest'>;
  /** A hint too: what the Git commit is about, for messages. */
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

/**
 * An announcement as it comes out of the stream; undefined for anything else. What it holds beside the known fields is
 * left out.
 */
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

/** Undefined for what is no hint: the announcement counts without it. */
function parseCommit(data: unknown): CommitHint | undefined {
  if (!isRecord(data)) return undefined;
  const { subject, author } = data;
  if (typeof subject !== 'string' || typeof author !== 'string') return undefined;
  return boundedCommit({ subject, author });
}

/** A commit's texts have no bound, and the stream's messages have. */
export function boundedCommit({ subject, author }: CommitHint): CommitHint {
  return { subject: subject.slice(0, MAX_COMMIT_TEXT), author: author.slice(0, MAX_COMMIT_TEXT) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Revisions of sources: `<name>@<algorithm>:<hash>`, such as `main@sha1:3b0b5f…`. The name is missing
// where there is none to tell, and then there is no `@` (Flux's revision format, RFC-0005 there).

export interface Revision {
  /** Branch, tag or full reference; may hold slashes and `@`. */
  readonly name?: string;
  readonly algorithm: string;
  readonly hash: string;
}

const SHA1_LENGTH = 40;
const SHA256_LENGTH = 64;

export function formatRevision({ name, algorithm, hash }: Revision): string {
  return name ? `${name}@${algorithm}:${hash}` : `${algorithm}:${hash}`;
}

/** The revision of a commit, whose algorithm is told by the length of its hash. */
export function commitRevision(name: string | undefined, commit: string): string {
  const algorithm = commit.length === SHA256_LENGTH ? 'sha256' : 'sha1';
  return formatRevision({ ...(name && { name }), algorithm, hash: commit });
}

/**
 * The parts of a revision, or undefined if it isn't one. Also reads the format that Flux had before
 * v0.36, `main/<sha>`, where `HEAD` stood for no name.
 */
export function parseRevision(revision: string): Revision | undefined {
  const current = /^(?:(.+)@)?([a-z0-9]+):([^:@]+)$/s.exec(revision);
  if (current) return parts(current[1], current[2], current[3]);
  const old = /^(?:(.+)\/)?([0-9a-f]+)$/s.exec(revision);
  if (!old || (old[2]?.length ?? 0) < SHA1_LENGTH) return undefined;
  const algorithm = old[2]?.length === SHA256_LENGTH ? 'sha256' : 'sha1';
  return parts(old[1] === 'HEAD' ? undefined : old[1], algorithm, old[2]);
}

function parts(name: string | undefined, algorithm = '', hash = ''): Revision {
  return { ...(name && { name }), algorithm, hash };
}

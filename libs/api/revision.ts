// Revisions of sources: `<name>@<algorithm>:<hash>`, such as `main@sha1:3b0b5f…`. Without a name, there is no `@`
// either (the revision format of Flux, its RFC-0005).

export interface Revision {
  /** A branch, a tag or a full reference; it may contain slashes and `@`. */
  readonly name?: string;
  readonly algorithm: string;
  readonly hash: string;
}

const SHA1_LENGTH = 40;
const SHA256_LENGTH = 64;

export function formatRevision({ name, algorithm, hash }: Revision): string {
  return name ? `${name}@${algorithm}:${hash}` : `${algorithm}:${hash}`;
}

/** The revision of a commit. The length of the hash determines the algorithm. */
export function commitRevision(name: string | undefined, commit: string): string {
  const algorithm = commit.length === SHA256_LENGTH ? 'sha256' : 'sha1';
  return formatRevision({ ...(name && { name }), algorithm, hash: commit });
}

/**
 * Parses a revision; undefined if the text isn't one. It also parses the format that Flux had before v0.36,
 * `main/<sha>`, in which `HEAD` means that there is no name.
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

/** What one git process, and each helper that it starts, may take. */
export interface GitLimits {
  /** Bytes of memory of a process of its own (RLIMIT_DATA): what it maps of a pack is bounded by configuration. */
  memoryBytes: number;
  /** Bytes of a file that it writes: the largest pack that is fetched. */
  fileBytes: number;
}

/**
 * 80 MiB of memory, so that the three processes of a fetch stay below 240 MiB; 256 MiB for a pack. git streams large files,
 * but holds a file twice that is stored as a difference from another one.
 */
export const defaultGitLimits: GitLimits = {
  memoryBytes: 80 * 1024 * 1024,
  fileBytes: 256 * 1024 * 1024,
};

/** The limits of one git process, and of each helper that it starts. */
export interface GitLimits {
  /** Bytes of a process's own memory (RLIMIT_DATA); what it maps of a pack is limited by configuration. */
  memoryBytes: number;
  /** Bytes of a file that it writes: the largest pack that is fetched. */
  fileBytes: number;
}

/**
 * 80 MiB of memory, so that the three processes of a fetch stay below 240 MiB; 256 MiB for a pack. git streams large
 * files, but holds a file that is stored as a difference from another one twice in memory.
 */
export const defaultGitLimits: GitLimits = {
  memoryBytes: 80 * 1024 * 1024,
  fileBytes: 256 * 1024 * 1024,
};

/** The least memory with which git starts. */
const MIN_MEMORY = 32 * 1024 ** 2;

/** The limits that the operator sets with `--git-max-memory-bytes` and `--git-max-pack-bytes`. */
export function readGitLimits(settings: {
  number(name: string, fallback: number, range: { min: number }): number;
}): GitLimits {
  const { memoryBytes, fileBytes } = defaultGitLimits;
  return {
    memoryBytes: settings.number('git-max-memory-bytes', memoryBytes, { min: MIN_MEMORY }),
    fileBytes: settings.number('git-max-pack-bytes', fileBytes, { min: 1 }),
  };
}

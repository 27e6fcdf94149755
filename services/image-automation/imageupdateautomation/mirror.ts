// Records what the bare repositories on the local disk have, so that nothing is fetched twice.
import { stat } from 'node:fs/promises';
import { createBoundedMap } from '@weir/async';
import { type FetchOptions, fetchCommit, keepCommit } from '@weir/git';

/** One remote's repository while it is in use. */
export interface Mirror {
  dir: string;
  /** Represents this repository in the keys of caches. It changes when the repository is removed and made anew. */
  scope: string;
  /** The commit of the remote's reference when it was last read, if the repository has it. */
  tip(ref: string): string | undefined;
  /** Fetches a commit unless the repository has it. */
  fetch(options: Omit<FetchOptions, 'dir'>): Promise<void>;
  /** Records that a commit that was made here is now the reference's commit at the remote. */
  pushed(ref: string, commit: string): Promise<void>;
}

export interface Mirrors {
  /** Opens the records for a remote's folder, which need not exist yet. */
  open(key: string, dir: string): Promise<Mirror>;
  /** Forgets which commits the repositories have: tidying removes those without a reference. */
  forget(): void;
}

interface Known {
  scope: string;
  commits: Set<string>;
  tips: Map<string, string>;
}

/** For each repository; each entry is an id. */
const MAX_COMMITS = 1_000;
const MAX_REPOSITORIES = 10_000;

export function createMirrors(): Mirrors {
  const known = createBoundedMap<string, Known>({ max: MAX_REPOSITORIES });

  async function knownOf(key: string, dir: string): Promise<Known> {
    const scope = await scopeOf(key, dir);
    const before = known.get(key);
    if (before?.scope === scope) return before;
    const now = { scope, commits: new Set<string>(), tips: new Map<string, string>() };
    known.set(key, now);
    return now;
  }

  return {
    async open(key, dir) {
      let now = await knownOf(key, dir);
      const add = (ref: string | undefined, commit: string) => {
        if (now.commits.size >= MAX_COMMITS) now.commits.clear();
        now.commits.add(commit);
        if (now.tips.size >= MAX_COMMITS) now.tips.clear();
        if (ref !== undefined) now.tips.set(ref, commit);
      };
      return {
        dir,
        get scope() {
          return now.scope;
        },
        tip(ref) {
          const commit = now.tips.get(ref);
          return commit !== undefined && now.commits.has(commit) ? commit : undefined;
        },
        async fetch(options) {
          const { commit, ref, depth = 1 } = options;
          // A commit with its history is recorded under another name than without.
          const name = depth === 1 ? commit : `${commit} ${depth}`;
          if (!now.commits.has(name)) await fetchCommit({ ...options, dir });
          now = await knownOf(key, dir);
          add(ref, commit);
          now.commits.add(name);
        },
        async pushed(ref, commit) {
          await keepCommit(dir, ref, commit);
          add(ref, commit);
        },
      };
    },
    forget: () => known.clear(),
  };
}

/** The folder's identity on the disk distinguishes a repository from one that replaced it. */
async function scopeOf(key: string, dir: string): Promise<string> {
  try {
    const { ino, birthtimeMs } = await stat(dir);
    return `${key}/${ino}/${birthtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return `${key}/none`;
  }
}

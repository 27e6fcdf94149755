// What is known to be in the bare repositories on this machine, so that nothing is fetched twice.
import { stat } from 'node:fs/promises';
import { createBoundedMap } from '@weir/async';
import { type FetchOptions, fetchCommit, keepCommit } from '@weir/git';

/** One remote's repository while somebody has it. */
export interface Mirror {
  dir: string;
  /** Stands for this repository in caches; another one after it was removed and made anew. */
  scope: string;
  /** The commit that a reference of the remote had when it was seen last, if it is here. */
  tip(ref: string): string | undefined;
  /** Fetches a commit unless it is here. */
  fetch(options: Omit<FetchOptions, 'dir'>): Promise<void>;
  /** A commit that was made here is what the reference is at the remote now. */
  pushed(ref: string, commit: string): Promise<void>;
}

export interface Mirrors {
  /** What is known of a remote's folder, which need not be there yet. */
  open(key: string, dir: string): Promise<Mirror>;
  /** Forgets which commits are there: tidying drops what no reference keeps. */
  forget(): void;
}

interface Known {
  scope: string;
  commits: Set<string>;
  tips: Map<string, string>;
}

/** Of each repository; each is an id. */
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
          // With its history a commit is another thing to have.
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

/** The folder's identity on the disk tells a repository from one that took its place. */
async function scopeOf(key: string, dir: string): Promise<string> {
  try {
    const { ino, birthtimeMs } = await stat(dir);
    return `${key}/${ino}/${birthtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return `${key}/none`;
  }
}

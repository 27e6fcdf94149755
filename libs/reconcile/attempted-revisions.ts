// Records which revision the latest run of each object took, so that an announcement of the same artifact starts no
// further run.

/** `searching`: a run is about to read the source, and will find the newest artifact. */
export type Attempt = { state: 'searching' } | { state: 'taken'; revision: string };

/** Keys are `<namespace>/<name>`. */
export interface AttemptedRevisions {
  /** A run has begun, and has not read its source yet. */
  search(key: string): void;
  /** The run continues with this revision. */
  take(key: string, revision: string): void;
  /** The run took no artifact, so the next announcement may start a run. After `take` this does nothing. */
  endSearch(key: string): void;
  /** Undefined if no run of the object took an artifact in this process. */
  get(key: string): Attempt | undefined;
  forget(key: string): void;
}

export function createAttemptedRevisions(): AttemptedRevisions {
  const attempts = new Map<string, Attempt>();
  return {
    search: (key) => attempts.set(key, { state: 'searching' }),
    take: (key, revision) => attempts.set(key, { state: 'taken', revision }),
    endSearch(key) {
      if (attempts.get(key)?.state === 'searching') attempts.delete(key);
    },
    get: (key) => attempts.get(key),
    forget: (key) => attempts.delete(key),
  };
}

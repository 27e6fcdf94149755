// The worker that a run occupies. The run gives it back while it only waits.

export interface Worker {
  /** Gives the worker back, runs `wait`, and resolves when the run has a worker again. */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /** Gives the worker back because the run has ended. */
  done(): void;
  /** Whether the run waits, or stands in line for a worker after a wait. */
  isWaiting(): boolean;
}

/**
 * `free` gives the worker back to the queue; `regain` calls `granted` when there is a worker for this run again.
 * Overlapping waits of one run count as one, from the start of the first to the end of the last.
 */
export function createWorker(free: () => void, regain: (granted: () => void) => void): Worker {
  let waits = 0;
  let holds = true;
  let ended = false;
  let regaining: Promise<void> | undefined;

  function release() {
    if (!holds) return;
    holds = false;
    free();
  }

  function comeBack(): Promise<void> {
    regaining ??= new Promise((resolve) => {
      regain(() => {
        holds = true;
        regaining = undefined;
        // A run may end without awaiting its wait; then it needs no worker any more.
        if (ended) release();
        resolve();
      });
    });
    return regaining;
  }

  return {
    async waiting(wait) {
      waits += 1;
      release();
      try {
        return await wait();
      } finally {
        waits -= 1;
        if (waits === 0 && !holds && !ended) await comeBack();
      }
    },
    done() {
      ended = true;
      release();
    },
    isWaiting: () => !holds,
  };
}

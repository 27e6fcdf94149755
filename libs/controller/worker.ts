// The worker that a run holds, and gives back while it only waits.

export interface Worker {
  waiting<T>(wait: () => Promise<T>): Promise<T>;
  /** The run has ended: the worker is free, once. */
  done(): void;
  /** Whether the run waits now, or stands in line to go on. */
  isWaiting(): boolean;
}

/**
 * `free` gives the worker to somebody else; `regain` calls back when there is one again. Waits of one
 * run that overlap count as one, from the start of the first to the end of the last.
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
        // A run that abandoned its wait may have ended by now.
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

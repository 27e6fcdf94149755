// Faults that any target can have: they show that the limits work.
import type { Target } from './target.ts';

/** The input with the planted fault, counted from the first. */
export const startsAt = 3;

/** The planted faults of every target, and how a finding describes them. */
export const GENERAL_PLANTS: Readonly<Record<string, RegExp>> = {
  endless: /takes longer than/,
  greedy: /takes more memory than/,
  crash: /the process ended/,
};

/** Does as code with this fault would. */
export async function plant(fault: string, { bytes }: Target<unknown>['limits']): Promise<void> {
  if (fault === 'crash') process.kill(process.pid, 'SIGKILL');
  if (fault === 'greedy') {
    const taken = Buffer.alloc(bytes + 1, 1);
    // It lasts until somebody has looked.
    await new Promise((resolve) => setTimeout(resolve, 60_000, taken));
  }
  if (fault === 'endless') for (;;);
  throw new Error(`there is no fault ${fault}`);
}

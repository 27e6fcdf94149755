import { type ActionRun, Interrupted } from '../action-run.ts';

/** Runs a wait that also ends when the purpose of the run ends. `wait` gets a signal for both. */
export async function interruptible<T>(
  { ctx }: Pick<ActionRun, 'ctx'>,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([ctx.signal, ctx.superseded]);
  try {
    return await ctx.waiting(() => wait(signal));
  } catch (error) {
    if (ctx.superseded.aborted && !ctx.signal.aborted) throw new Interrupted();
    throw error;
  }
}

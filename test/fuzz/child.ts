// The process that tries inputs, one after the other. It says by which number it is before each, so that whoever watches it
// knows which input it was that took too long, too much memory, or the process with it. Arguments: target, first number, task.
import { inputOf } from './inputs.ts';
import { plant, startsAt } from './plant.ts';
import type { AnyTarget } from './targets.ts';

/** What is planted: faults of the target, each of which is looked for before inputs are tried in earnest, and a general one. */
export interface Task {
  plants: readonly string[];
  general?: string | undefined;
}

/** The messages of the process to the one that watches it. */
export type Said =
  | { trying: number; plant?: string | undefined }
  | { found: string; what: string }
  | { wrong: number; what: string };

const [, , name, first = '0', task = '{"plants":[]}'] = process.argv;
const target = await targetOf(name);
const { plants, general } = JSON.parse(task) as Task;

const say = (said: Said) => process.send?.(said);
let stopped = false;
process.on('message', () => {
  stopped = true;
});
// The process that watches is gone.
const orphaned = () => process.exit(1);
process.on('disconnect', orphaned);

const subject = await target.open();
for (const fault of plants) {
  const finding = await tryInputs(fault);
  if (finding !== undefined) say({ found: fault, what: finding.what });
}
const finding = await tryInputs(undefined);
if (finding !== undefined) say({ wrong: finding.number, what: finding.what });
await subject.close();
process.off('disconnect', orphaned);
process.disconnect?.();

/** Tries inputs until one is a finding; undefined when it has to stop before that. */
async function tryInputs(
  fault: string | undefined,
): Promise<{ number: number; what: string } | undefined> {
  for (let number = Number(first); !stopped; number++) {
    say({ trying: number, plant: fault });
    try {
      const isNow = fault === undefined && number === Number(first) + startsAt;
      if (general !== undefined && isNow) await plant(general, target.limits);
      await subject.try(inputOf(target, number), fault);
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : `${error}`;
      return { number, what };
    }
    // Signals and messages are seen in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

/** The file of the target alone: what the others need takes longer to load than many a fault to find. */
async function targetOf(wanted: string | undefined): Promise<AnyTarget> {
  const found = Object.values<AnyTarget>(await import(`./targets/${wanted}.ts`));
  const target = found.find((it) => it.name === wanted);
  if (target === undefined) throw new Error(`there is no target ${wanted}`);
  return target;
}

// The process that tries inputs, one after the other. It says by which number it is before each, so that whoever watches it
// knows which input it was that took too long, too much memory, or the process with it. Arguments: target, first number, fault.
import { inputOf } from './inputs.ts';
import { plant, startsAt } from './plant.ts';
import { TARGETS } from './targets.ts';

/** What the process says to the one that watches it. */
export type Said = { trying: number } | { wrong: number; what: string };

const [, , name, first = '0', fault] = process.argv;
const target = TARGETS.find((it) => it.name === name);
if (target === undefined) throw new Error(`there is no target ${name}`);

const say = (said: Said) => process.send?.(said);
let stopped = false;
process.on('message', () => {
  stopped = true;
});
// Whoever watches is gone.
const orphaned = () => process.exit(1);
process.on('disconnect', orphaned);

const isGeneral = fault !== undefined && !(fault in target.plants);
const subject = await target.open(isGeneral ? undefined : fault);
let number = Number(first);
for (; !stopped; number++) {
  say({ trying: number });
  try {
    if (isGeneral && number === Number(first) + startsAt) await plant(fault, target.limits);
    await subject.try(inputOf(target, number));
  } catch (error) {
    say({
      wrong: number,
      what: error instanceof Error ? (error.stack ?? error.message) : `${error}`,
    });
    break;
  }
  // Signals and messages are seen in between.
  await new Promise((resolve) => setImmediate(resolve));
}
await subject.close();
process.off('disconnect', orphaned);
process.disconnect?.();

// Creating all objects of a release, where none of them is there yet.
import type { AppliedObject, PlacedObject } from '@weir/apply';
import { mayGoOn, messageOf, type Run } from '../run.ts';
import { appliedAs } from './applied.ts';
import { everyObject } from './batches.ts';
import { applyServerSide, createObject } from './write.ts';

/**
 * Creates the objects in Helm's order. One that fails stops none of the others: all failures are in the message, a line
 * each, as in Helm. What came of each object goes to `done` at once, so that it is known after a failure too.
 */
export async function createObjects(
  run: Run,
  objects: readonly PlacedObject[],
  serverSide: boolean,
  done: (applied: AppliedObject) => void,
): Promise<void> {
  const { ctx, guard } = run;
  const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
  const failures = await everyObject(objects, ctx.options.concurrency, async (placed) => {
    const object = serverSide
      ? await applyServerSide(writer, placed, { force: false })
      : await createObject(writer, placed);
    done(appliedAs('created', placed, object));
  });
  throwAll(run, failures, '\n');
}

/** Throws one Error with the messages of all failures, or the failure that ends the run. */
export function throwAll(run: Pick<Run, 'ctx'>, failures: readonly unknown[], separator: string) {
  const end = failures.find((error) => !mayGoOn(run, error));
  if (end !== undefined) throw end;
  if (failures.length === 0) return;
  throw new Error(failures.map(messageOf).join(separator), { cause: failures[0] });
}

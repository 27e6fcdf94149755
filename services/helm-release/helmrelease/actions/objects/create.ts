// Creating all objects of a release, where none of them is there yet.
import type { AppliedObject, PlacedObject } from '@weir/apply';
import { isConflict, type KubeObject } from '@weir/kube';
import { CONTROLLER } from '../../names.ts';
import { type ActionRun, mayGoOn, messageOf } from '../action-run.ts';
import { appliedAs } from './applied.ts';
import { everyObject } from './batches.ts';
import { readObject } from './existing.ts';
import { applyServerSide, createObject, type ObjectWriter } from './write.ts';

export interface CreateOptions {
  serverSide: boolean;
  /** Objects that are there all the same are taken over. */
  takesOver: boolean;
  /** Called for each object as soon as it is there, so that it is known after a failure too. */
  done(applied: AppliedObject): void;
}

/**
 * Creates the objects in Helm's order. One that fails stops none of the others: all failures are in the message, a line
 * each, as in Helm.
 */
export async function createObjects(
  run: ActionRun,
  objects: readonly PlacedObject[],
  { serverSide, takesOver, done }: CreateOptions,
): Promise<void> {
  const { ctx, guard } = run;
  const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
  const failures = await everyObject(objects, ctx.options.concurrency, async (placed) => {
    if (serverSide) return done(await applyNew(writer, placed, takesOver));
    done(appliedAs('created', placed, await createObject(writer, placed)));
  });
  throwAll(run, failures, '\n');
}

/**
 * Applies an object that most likely isn't there. If it is, its fields are taken over from whoever wrote them, as when it
 * had been read before.
 */
async function applyNew(
  writer: ObjectWriter,
  placed: PlacedObject,
  takesOver: boolean,
): Promise<AppliedObject> {
  try {
    const object = await applyServerSide(writer, placed, { force: false });
    if (!takesOver || isWrittenByUsAlone(object)) return appliedAs('created', placed, object);
  } catch (error) {
    if (!takesOver || !(error instanceof Error && isConflict(error.cause))) throw error;
  }
  const how = { metadataOnly: true, signal: writer.signal };
  const live = await readObject(writer.client, placed, how);
  const object = await applyServerSide(writer, placed, { force: true, live });
  return appliedAs('configured', placed, object);
}

/** What nobody else has written was created just now, or applied by us before; then there is nothing to take over. */
function isWrittenByUsAlone({ metadata }: KubeObject): boolean {
  return (metadata.managedFields ?? []).every(
    ({ manager, operation }) => manager === CONTROLLER && operation === 'Apply',
  );
}

/** Throws one Error with the messages of all failures, or the failure that ends the run. */
export function throwAll(
  run: Pick<ActionRun, 'ctx'>,
  failures: readonly unknown[],
  separator: string,
) {
  const end = failures.find((error) => !mayGoOn(run, error));
  if (end !== undefined) throw end;
  if (failures.length === 0) return;
  throw new Error(failures.map(messageOf).join(separator), { cause: failures[0] });
}

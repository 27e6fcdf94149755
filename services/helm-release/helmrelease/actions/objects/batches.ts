// Helm writes the objects of a manifest in its order, those of one kind that stand next to each other at the same time.
import type { PlacedObject } from '@weir/apply';
import { mapBounded } from '@weir/async';

/** Runs of the same kind, in order. */
export function batchesByKind(objects: readonly PlacedObject[]): PlacedObject[][] {
  const batches: PlacedObject[][] = [];
  for (const placed of objects) {
    const batch = batches.at(-1);
    if (batch?.[0]?.type.kind === placed.type.kind) batch.push(placed);
    else batches.push([placed]);
  }
  return batches;
}

/** Runs `work` batch by batch over everything, whatever fails, and returns the failures in the order of the objects. */
export async function everyObject(
  objects: readonly PlacedObject[],
  concurrency: number,
  work: (placed: PlacedObject) => Promise<void>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const batch of batchesByKind(objects)) {
    const outcomes = await mapBounded(batch, concurrency, (placed) =>
      work(placed).then(
        () => [],
        (error: unknown) => [error],
      ),
    );
    failures.push(...outcomes.flat());
  }
  return failures;
}

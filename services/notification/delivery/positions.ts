// The positions of a lane's deliveries in their stream, in the order of the stream: sequence and time, one after another
// in one list of numbers. An object for each of a hundred thousand would take twice the memory.
import type { Head } from '@weir/bus';

export type Position = Pick<Head, 'sequence' | 'atMs'>;
export type Positions = number[];

export function countOf(positions: Positions): number {
  return positions.length / 2;
}

export function firstOf([sequence, atMs]: Positions): Position | undefined {
  return sequence === undefined || atMs === undefined ? undefined : { sequence, atMs };
}

/** Adds a position in its order; nothing changes if it is known already. The result may be another list. */
export function withPosition(positions: Positions, { sequence, atMs }: Position): Positions {
  // A list that is created with one position has room for one; one that grows gets room for many.
  if (positions.length === 0) return [sequence, atMs];
  let at = positions.length;
  // A new position is nearly always the newest.
  while (at > 0 && (positions[at - 2] ?? 0) >= sequence) at -= 2;
  if (positions[at] !== sequence) positions.splice(at, 0, sequence, atMs);
  return positions;
}

/** Removes `count` positions, starting at this index. */
export function withoutSome(positions: Positions, index: number, count: number): Positions {
  positions.splice(2 * index, 2 * count);
  return positions;
}

/** Removes the position with this sequence, if it is there. */
export function withoutSequence(positions: Positions, sequence: number): Positions {
  for (let at = 0; at < positions.length; at += 2) {
    if (positions[at] === sequence) return withoutSome(positions, at / 2, 1);
  }
  return positions;
}

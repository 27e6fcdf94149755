// The places of a lane's deliveries in their stream, in the order of the stream: sequence and time, one after another
// in one list of numbers. An object for each of a hundred thousand would take twice the memory.
import type { Head } from '@weir/bus';

export type Place = Pick<Head, 'sequence' | 'atMs'>;
export type Places = number[];

export function countOf(places: Places): number {
  return places.length / 2;
}

export function firstOf([sequence, atMs]: Places): Place | undefined {
  return sequence === undefined || atMs === undefined ? undefined : { sequence, atMs };
}

/** Adds a place in its order; nothing changes if it is known already. The result may be another list. */
export function withPlace(places: Places, { sequence, atMs }: Place): Places {
  // A list that is created with one place has room for one; one that grows gets room for many.
  if (places.length === 0) return [sequence, atMs];
  let at = places.length;
  // A new place is nearly always the newest.
  while (at > 0 && (places[at - 2] ?? 0) >= sequence) at -= 2;
  if (places[at] !== sequence) places.splice(at, 0, sequence, atMs);
  return places;
}

/** Removes `count` places, starting at this index. */
export function withoutSome(places: Places, index: number, count: number): Places {
  places.splice(2 * index, 2 * count);
  return places;
}

/** Removes the place with this sequence, if it is there. */
export function withoutSequence(places: Places, sequence: number): Places {
  for (let at = 0; at < places.length; at += 2) {
    if (places[at] === sequence) return withoutSome(places, at / 2, 1);
  }
  return places;
}

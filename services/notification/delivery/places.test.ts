import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  countOf,
  firstOf,
  type Places,
  withoutSequence,
  withoutSome,
  withPlace,
} from './places.ts';

const placesOf = (...sequences: number[]) =>
  sequences.reduce<Places>(
    (places, sequence) => withPlace(places, { sequence, atMs: 1_000 * sequence }),
    [],
  );

/** The sequences, each with its own time, in their order. */
function sequencesOf(places: Places): number[] {
  const found: number[] = [];
  for (let left = [...places]; left.length > 0; left = withoutSome(left, 0, 1)) {
    const { sequence, atMs } = firstOf(left) ?? assert.fail();
    assert.equal(atMs, 1_000 * sequence);
    found.push(sequence);
  }
  return found;
}

it('have the order of the stream, whatever comes when, and each place once', () => {
  const places = placesOf(5, 1, 3, 3, 5, 9, 1);
  assert.deepEqual(sequencesOf(places), [1, 3, 5, 9]);
  assert.equal(countOf(places), 4);
  assert.deepEqual(firstOf(places), { sequence: 1, atMs: 1_000 });
  assert.equal(firstOf([]), undefined);
});

it('lose what is taken out, and nothing else', () => {
  assert.deepEqual(sequencesOf(withoutSequence(placesOf(1, 2, 3), 2)), [1, 3]);
  // 2,000 is the time of the second one, and no sequence.
  assert.deepEqual(sequencesOf(withoutSequence(placesOf(1, 2, 3), 2_000)), [1, 2, 3]);
  assert.deepEqual(sequencesOf(withoutSome(placesOf(1, 2, 3, 4), 1, 2)), [1, 4]);
});

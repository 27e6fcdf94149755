import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  countOf,
  firstOf,
  type Positions,
  withoutSequence,
  withoutSome,
  withPosition,
} from './positions.ts';

const positionsOf = (...sequences: number[]) =>
  sequences.reduce<Positions>(
    (positions, sequence) => withPosition(positions, { sequence, atMs: 1_000 * sequence }),
    [],
  );

/** The sequences, each with its own time, in their order. */
function sequencesOf(positions: Positions): number[] {
  const found: number[] = [];
  for (let left = [...positions]; left.length > 0; left = withoutSome(left, 0, 1)) {
    const { sequence, atMs } = firstOf(left) ?? assert.fail();
    assert.equal(atMs, 1_000 * sequence);
    found.push(sequence);
  }
  return found;
}

it('have the order of the stream, whatever comes when, and each position once', () => {
  const positions = positionsOf(5, 1, 3, 3, 5, 9, 1);
  assert.deepEqual(sequencesOf(positions), [1, 3, 5, 9]);
  assert.equal(countOf(positions), 4);
  assert.deepEqual(firstOf(positions), { sequence: 1, atMs: 1_000 });
  assert.equal(firstOf([]), undefined);
});

it('lose what is taken out, and nothing else', () => {
  assert.deepEqual(sequencesOf(withoutSequence(positionsOf(1, 2, 3), 2)), [1, 3]);
  // 2,000 is the time of the second one, and no sequence.
  assert.deepEqual(sequencesOf(withoutSequence(positionsOf(1, 2, 3), 2_000)), [1, 2, 3]);
  assert.deepEqual(sequencesOf(withoutSome(positionsOf(1, 2, 3, 4), 1, 2)), [1, 4]);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ARTIFACT_IN_STORAGE,
  conditionsOf,
  FETCH_FAILED,
  findCondition,
  isReady,
  READY,
  RECONCILING,
  removeCondition,
  STALLED,
  setCondition,
} from './conditions.ts';
import type { Condition } from './schema/condition.ts';

const noon = new Date('2026-01-02T12:00:00.987Z');
const later = new Date('2026-01-02T12:05:00Z');

function ready(overrides: Partial<Condition> = {}): Condition {
  return {
    type: READY,
    status: 'True',
    reason: 'Succeeded',
    message: 'stored artifact',
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    ...overrides,
  };
}

function object(conditions: Condition[], generation = 1) {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'app', generation },
    status: { conditions },
  };
}

describe('setCondition', () => {
  it('adds a condition with the time in whole seconds', () => {
    const [condition] = setCondition(undefined, ready(), noon);
    assert.equal(condition?.lastTransitionTime, '2026-01-02T12:00:00Z');
  });

  it('keeps the time when nothing but the generation changed', () => {
    const before = [ready()];
    const [condition] = setCondition(before, ready({ observedGeneration: 2 }), later);
    assert.equal(condition?.lastTransitionTime, '2026-01-01T00:00:00Z');
    assert.equal(condition?.observedGeneration, 2);
    assert.equal(before[0]?.observedGeneration, 1, 'the given list is left alone');
  });

  for (const change of [{ status: 'False' }, { reason: 'Failed' }, { message: 'other' }] as const) {
    it(`moves the time with the ${Object.keys(change)[0]}`, () => {
      const [condition] = setCondition([ready()], ready(change), later);
      assert.equal(condition?.lastTransitionTime, '2026-01-02T12:05:00Z');
    });
  }

  it('sorts as Flux: stalled, reconciling, ready, then by generation and type', () => {
    const types = [
      ready({ type: 'B' }),
      ready({ type: 'A' }),
      ready({ type: 'C', observedGeneration: 2 }),
      ready(),
      ready({ type: RECONCILING }),
      ready({ type: STALLED }),
    ];
    const sorted = types.reduce<Condition[]>((all, one) => setCondition(all, one, noon), []);
    assert.deepEqual(
      sorted.map(({ type }) => type),
      [STALLED, RECONCILING, READY, 'C', 'A', 'B'],
    );
  });

  it('cuts a message at 32768 bytes without cutting a character', () => {
    const [condition] = setCondition([], ready({ message: 'é'.repeat(20_000) }), noon);
    assert.equal(condition?.message, `${'é'.repeat(16_382)}...`);
    const [whole] = setCondition([], ready({ message: 'x'.repeat(32_768) }), noon);
    assert.equal(whole?.message.length, 32_768);
  });

  it('finds no change when a long message comes again', () => {
    const long = ready({ message: 'x'.repeat(40_000) });
    const first = setCondition([], long, noon);
    assert.deepEqual(setCondition(first, long, later), first);
  });
});

describe('removeCondition and findCondition', () => {
  it('find and remove by type', () => {
    const conditions = [ready(), ready({ type: FETCH_FAILED })];
    assert.equal(findCondition(conditions, FETCH_FAILED)?.type, FETCH_FAILED);
    assert.deepEqual(removeCondition(conditions, FETCH_FAILED), [ready()]);
    assert.equal(findCondition(undefined, READY), undefined);
    assert.deepEqual(removeCondition(undefined, READY), []);
  });
});

describe('isReady', () => {
  it('is true for a ready object', () => {
    assert.equal(isReady(object([ready(), ready({ type: ARTIFACT_IN_STORAGE })])), true);
  });

  it('is false while reconciling, when stalled, and when Ready is not True', () => {
    assert.equal(isReady(object([ready(), ready({ type: RECONCILING })])), false);
    assert.equal(isReady(object([ready(), ready({ type: STALLED })])), false);
    assert.equal(isReady(object([ready({ status: 'Unknown' })])), false);
    assert.equal(isReady(object([])), false);
  });

  it('is false when Ready speaks of an earlier generation', () => {
    assert.equal(isReady(object([ready()], 2)), false);
  });

  it('reads objects that have no status, or a strange one', () => {
    const bare = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } };
    assert.equal(isReady(bare), false);
    assert.deepEqual(conditionsOf({ ...bare, status: { conditions: [1, null, {}] } }), []);
    assert.deepEqual(conditionsOf({ ...bare, status: 'up' }), []);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ImagePolicy, ImageUpdateAutomation } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { areSame, chosenImages } from './policies.ts';

function policy(name: string, labels: Record<string, string>, tag?: string): ImagePolicy {
  return {
    ...{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImagePolicy' },
    metadata: { name, namespace: 'ns', labels },
    spec: { imageRepositoryRef: { name }, policy: { semver: { range: '*' } } },
    ...(tag === undefined ? {} : { status: { latestRef: { name, tag } } }),
  };
}

const policies = [
  policy('b', { team: 'b', tier: 'web' }, '2'),
  policy('a', { team: 'a' }, '1'),
  policy('none', { team: 'a' }),
  { ...policy('other', { team: 'a' }, '1'), metadata: { name: 'other', namespace: 'elsewhere' } },
];

function automation(
  policySelector: ImageUpdateAutomation['spec']['policySelector'],
): ImageUpdateAutomation {
  return {
    ...{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
    metadata: { name: 'auto', namespace: 'ns' },
    spec: {
      interval: '1h',
      sourceRef: { kind: 'GitRepository', name: 'repo' },
      ...(policySelector === undefined ? {} : { policySelector }),
    },
  };
}

describe('the policies of an automation', () => {
  const names = (selector?: Parameters<typeof automation>[0]) =>
    [...chosenImages(automation(selector), policies)].map(([name]) => name);
  const expression = (key: string, operator: string, values?: string[]) => ({
    matchExpressions: [{ key, operator, ...(values ? { values } : {}) }],
  });

  test('are those of its namespace that chose something, by their names', () => {
    assert.deepEqual(names(), ['a', 'b']);
    assert.deepEqual(names({}), ['a', 'b']);
  });

  test('are selected by labels', () => {
    assert.deepEqual(names({ matchLabels: { team: 'a' } }), ['a']);
    assert.deepEqual(
      names({ matchExpressions: [{ key: 'team', operator: 'In', values: ['b', 'c'] }] }),
      ['b'],
    );
    assert.deepEqual(names(expression('tier', 'NotIn', ['web'])), ['a']);
    assert.deepEqual(names(expression('tier', 'Exists')), ['b']);
    assert.deepEqual(names(expression('tier', 'DoesNotExist')), ['a']);
    assert.deepEqual(names({ matchLabels: { team: 'a' }, ...expression('tier', 'Exists') }), []);
  });

  test('a selector that is none is refused for good, in the words of Flux', () => {
    for (const [selector, message] of [
      [expression('a', 'Like', ['b']), '"Like" is not a valid label selector operator'],
      [
        expression('a', 'In'),
        "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
      ],
      [
        expression('a', 'Exists', ['b']),
        'values: Invalid value: ["b"]: values set must be empty for exists and does not exist',
      ],
    ] as const) {
      assert.throws(
        () => names(selector),
        (error) =>
          error instanceof Failure &&
          error.stalled &&
          error.message === `failed to parse policy selector: ${message}`,
      );
    }
  });

  test('have changed when one chose another image, came or went', () => {
    const now = new Map([['a', { name: 'a', tag: '1' }]]);
    assert.ok(areSame({ a: { name: 'a', tag: '1' } }, now));
    assert.ok(areSame({ a: { name: 'a', tag: '1', digest: '' } }, now));
    assert.ok(!areSame({ a: { name: 'a', tag: '2' } }, now));
    assert.ok(!areSame({ a: { name: 'a', tag: '1', digest: 'x' } }, now));
    assert.ok(!areSame({}, now));
    assert.ok(!areSame(undefined, now));
    assert.ok(!areSame({ a: { name: 'a', tag: '1' }, b: { name: 'b', tag: '1' } }, now));
  });
});

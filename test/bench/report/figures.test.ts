import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overBudget } from '../budgets.ts';
import type { Measurement } from '../measurement.ts';
import type { Results } from '../results.ts';
import { compare } from './figures.ts';
import { growthOf } from './growth.ts';

const MIB = 1024 ** 2;

function measurement(id: string, apps: number, more: Partial<Measurement> = {}): Measurement {
  return {
    id,
    name: `the ${id}`,
    apps,
    count: 2,
    unit: 'commit',
    times: { Ready: [1_000, 2_000, 3_000] },
    spent: {
      seconds: 6,
      requests: {
        'weir-source': { get: 2, 'patch status': 4, lease: 50 },
        'kube-controller-manager': { update: 20 },
        bench: { patch: 100 },
      },
      memoryBytes: 90 * MIB,
      processes: {
        source: { cpuSeconds: 1, peakBytes: 100 * MIB, childrenBytes: 0 },
        'nats-server': { cpuSeconds: 0.5, peakBytes: 20 * MIB, childrenBytes: 0 },
        'kube-apiserver': { cpuSeconds: 8, peakBytes: 300 * MIB, childrenBytes: 0 },
      },
    },
    ...more,
  };
}

function resultsOf(...results: [system: string, measurement: Measurement][]): Results {
  const systems = ['weir', 'flux'].map((name) => ({ name, title: name, version: '1', flags: {} }));
  return {
    machine: {
      cpu: 'some',
      cores: 2,
      memoryBytes: 2 ** 34,
      linux: '6',
      node: 'v24',
      git: '2',
      loadBefore: 0,
      at: '2026-01-01T00:00:00Z',
    },
    command: 'npm run bench',
    systems,
    clients: { weir: ['weir-source'], flux: ['source-controller'] },
    results: results.map(([system, measured]) => ({ system, measurement: measured })),
  };
}

describe('the figures of a measurement', () => {
  it('are those of one round, of the system itself', () => {
    const rows = compare(resultsOf(['weir', measurement('one', 10)]));
    const figures = rows.map(({ figure, unit, values }) => [figure, values.weir, unit]);
    assert.deepEqual(figures, [
      ['Ready', 2, 's'],
      ['its requests', 3, 'requests'],
      ['of these writes', 2, 'requests'],
      ['requests of all clients', 13, 'requests'],
      ['its CPU', 0.75, 'CPU s'],
      ['CPU of kube-apiserver', 4, 'CPU s'],
      ['CPU of etcd', 0, 'CPU s'],
      ['its memory', 90, 'MiB'],
      ['its processes, each for itself', 100, 'MiB'],
      ['memory of NATS', 20, 'MiB'],
    ]);
  });

  it('include a high quantile where there are many values', () => {
    const times = { 'put back': Array.from({ length: 101 }, (_, index) => index * 10) };
    const rows = compare(resultsOf(['weir', measurement('drift', 10, { times })]));
    const shown = rows.slice(0, 2).map(({ figure, values }) => [figure, values.weir]);
    assert.deepEqual(shown, [
      ['put back, p50', 0.5],
      ['put back, p99', 0.99],
    ]);
  });

  it('stand side by side', () => {
    const [first] = compare(
      resultsOf(
        ['weir', measurement('one', 10)],
        ['flux', measurement('one', 10, { times: { Ready: [8_000] } })],
      ),
    );
    assert.deepEqual(first?.values, { weir: 2, flux: 8 });
  });

  it('show what grows faster than the number of apps', () => {
    const growth = growthOf(
      resultsOf(
        ['weir', measurement('one', 8)],
        ['weir', measurement('one', 64, { times: { Ready: [24_000] } })],
        ['flux', measurement('one', 8)],
      ),
    );
    const shown = growth.map(({ figure, system, ratio, slopeKib }) => [
      figure,
      system,
      ratio,
      slopeKib,
    ]);
    assert.deepEqual(shown, [
      ['Ready', 'weir', 1.5, undefined],
      ['its requests', 'weir', 0.125, undefined],
      ['its CPU', 'weir', 0.125, undefined],
      ['CPU of kube-apiserver', 'weir', 0.125, undefined],
      ['its memory', 'weir', undefined, 0],
    ]);
    assert.deepEqual(growth[0]?.points, [
      [8, 0.25],
      [64, 0.375],
    ]);
  });
});

it('a budget is for each app, and names what goes beyond it', () => {
  const requests = { 'weir-source': { get: 200 }, 'kube-controller-manager': { get: 5_000 } };
  const within = measurement('one', 20);
  const spent = { ...within.spent, requests };
  assert.deepEqual(overBudget(resultsOf(['weir', within], ['flux', within])), []);
  const [line, ...others] = overBudget(
    resultsOf(['weir', { ...within, spent }], ['flux', { ...within, spent }]),
  );
  assert.match(line ?? '', /the one, N=20: its requests 100, allowed are \d+/);
  assert.deepEqual(others, []);
});

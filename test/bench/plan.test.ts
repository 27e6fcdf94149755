import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SCENARIOS, SYSTEMS } from './catalogue.ts';
import { planLegs, takesPart } from './plan.ts';

it('runs scenarios of the same apps in one environment, and the others in their own', () => {
  const shown = planLegs(SCENARIOS, [100, 500]).map((leg) =>
    leg.kind === 'own'
      ? `${leg.apps} ${leg.scenario.name}`
      : `${leg.apps} ${leg.scenarios.map(({ name }) => name).join(' ')}`,
  );
  assert.deepEqual(shown, [
    '1 commit',
    '1 alerts',
    '1 alerts-killed',
    '1 alerts-waiting',
    '1 webhook',
    '1 source-bucket',
    '1 image-tags',
    '1 image-bump',
    '20 chain',
    '100 source-git',
    '100 source-first',
    '100 image-scan',
    '100 helm',
    '100 install one all restart failing idle drift',
    '200 image-monorepo',
    '500 source-apart',
    '500 source-alike',
    '500 source-charts',
    '500 helm',
    '500 install one all restart idle drift',
  ]);
});

it('leaves peers out where they would take hours', () => {
  const [weir, flux] = SYSTEMS;
  const [leg] = planLegs(SCENARIOS, [1_000]).slice(-1);
  assert.ok(weir && flux && leg);
  assert.equal(takesPart(weir, leg, { allSizes: false }), true);
  assert.equal(takesPart(flux, leg, { allSizes: false }), false);
  assert.equal(takesPart(flux, leg, { allSizes: true }), true);
});

it('counts the requests of every service that a scenario runs', () => {
  const [weir] = SYSTEMS;
  for (const service of ['source', 'kustomize', 'helm-release', 'image-automation']) {
    assert.ok(weir?.clients.includes(`weir-${service}`), service);
  }
});

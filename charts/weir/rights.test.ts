import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Alert } from '@weir/api';
import { rightsOf, rolesOf } from './rights.ts';
import { find, render, SERVICES } from './testing.ts';

/** Rights with which a service could act as another service, or as an administrator. */
const POWERS = [
  /^serviceaccounts\/token /,
  /^(?:cluster)?role(?:binding)?s\.rbac/,
  /^pods(?:\/\w+)? (?:create|update|patch)/,
  /^secrets (?:list|watch|create|update|patch|delete)/,
  / \*$/,
  /^\*/,
  / (?:impersonate|escalate|bind)$/,
];

/** These services apply what others wrote: with all rights, or as the account of the author. */
const APPLIERS = ['kustomize', 'helm-release'];

describe('the rights of a service', () => {
  for (const values of [[], ['multiTenant=true']]) {
    for (const name of SERVICES.filter((service) => !APPLIERS.includes(service))) {
      it(`${name} are not enough to become somebody else (${values.join() || 'defaults'})`, async () => {
        const granted = rightsOf(rolesOf(await render(...values), name));
        assert.deepEqual(
          granted.filter((right) => POWERS.some((power) => power.test(right))),
          [],
        );
      });
    }
  }

  it('kustomize are to write nothing but its own kind where tenants share a cluster', async () => {
    const granted = rightsOf(rolesOf(await render('multiTenant=true'), 'kustomize'));
    const writes = granted.filter((right) => !/ (?:get|list|watch|impersonate)$/.test(right));
    assert.deepEqual(writes, [
      'events create',
      'events patch',
      'kustomizations.kustomize.toolkit.fluxcd.io patch',
      'kustomizations.kustomize.toolkit.fluxcd.io/status patch',
      'leases.coordination.k8s.io create',
      'leases.coordination.k8s.io delete',
      'leases.coordination.k8s.io patch',
      'secrets create',
    ]);
    const role = find(await render('multiTenant=true'), 'ClusterRole', 'weir-kustomize');
    assert.ok(!rightsOf([role]).includes('secrets create'), 'only in its own namespace');
  });

  it('helm-release are to write nothing but its own kind and charts where tenants share a cluster', async () => {
    const granted = rightsOf(rolesOf(await render('multiTenant=true'), 'helm-release'));
    const writes = granted.filter((right) => !/ (?:get|list|watch|impersonate)$/.test(right));
    assert.deepEqual(writes, [
      'events create',
      'events patch',
      'helmcharts.source.toolkit.fluxcd.io create',
      'helmcharts.source.toolkit.fluxcd.io delete',
      'helmcharts.source.toolkit.fluxcd.io patch',
      'helmreleases.helm.toolkit.fluxcd.io patch',
      'helmreleases.helm.toolkit.fluxcd.io/status patch',
      'leases.coordination.k8s.io create',
      'leases.coordination.k8s.io delete',
      'leases.coordination.k8s.io patch',
      'ocirepositories.source.toolkit.fluxcd.io create',
      'ocirepositories.source.toolkit.fluxcd.io delete',
      'ocirepositories.source.toolkit.fluxcd.io patch',
    ]);
  });

  it('appliers are everything by default, as those of their counterparts in Flux', async () => {
    for (const name of APPLIERS) {
      const { rules } = find(await render(), 'ClusterRole', `weir-${name}`);
      assert.deepEqual(Object(rules)[0], { apiGroups: ['*'], resources: ['*'], verbs: ['*'] });
    }
  });

  it('notification are to read the labels of the kinds that an Alert can name', async () => {
    const kinds = Object(Alert.schema.properties.spec).properties.eventSources.items.properties.kind
      .enum;
    const plurals = kinds.map((kind: string) => `${kind.toLowerCase()}s`.replace(/ys$/, 'ies'));
    const granted = rightsOf([find(await render(), 'ClusterRole', 'weir-notification')]);
    const read = granted.filter((right) =>
      /(?<!notification\.toolkit\.)fluxcd\.io get$/.test(right),
    );
    assert.deepEqual(read.map((right) => right.split('.')[0]).sort(), plurals.sort());
  });

  it('people with the role edit are to write objects, and no status', async () => {
    const granted = rightsOf([find(await render(), 'ClusterRole', 'weir-edit')]);
    assert.ok(granted.includes('kustomizations.kustomize.toolkit.fluxcd.io patch'));
    assert.deepEqual(
      granted.filter((right) => /^\*|\//.test(right)),
      [],
    );
  });
});

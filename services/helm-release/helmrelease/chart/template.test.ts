// The object that a template makes, with every field: a HelmChart and an OCIRepository.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChartTemplate,
  HelmChart,
  type HelmRelease,
  type Kind,
  OCIRepository,
} from '@weir/api';
import { validate } from '@weir/api/validate';
import { helmRelease } from '../release/testing/values.ts';
import { chartObjectBody, chartObjectOf } from './template.ts';
import { compareWanted } from './wanted.ts';

function withTemplate(chart: ChartTemplate): HelmRelease {
  const object = helmRelease();
  const { chartRef: _, ...spec } = object.spec;
  return { ...object, spec: { ...spec, chart } };
}

function made(chart: ChartTemplate) {
  const object = withTemplate(chart);
  const place = chartObjectOf(object);
  assert.ok(place);
  return chartObjectBody(object, place, chart);
}

const LABELS = {
  'helm.toolkit.fluxcd.io/name': 'web',
  'helm.toolkit.fluxcd.io/namespace': 'apps',
};
const sourceRef = { kind: 'HelmRepository', name: 'charts', namespace: 'sources' } as const;
const helmChart: ChartTemplate = {
  metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
  spec: {
    chart: 'app',
    version: '1.x',
    sourceRef,
    interval: '90m',
    reconcileStrategy: 'Revision',
    valuesFiles: ['a.yaml', 'b.yaml'],
    ignoreMissingValuesFiles: true,
    verify: {
      provider: 'cosign',
      secretRef: { name: 'keys' },
      matchOIDCIdentity: [{ issuer: '^i$', subject: '^s$' }],
    },
  },
};
const ociRepository: ChartTemplate = {
  kind: 'OCIRepository',
  metadata: { labels: { a: 'b' } },
  spec: {
    url: 'oci://registry.example/charts/app',
    ref: { tag: '1', semver: '>1', semverFilter: 'rc', digest: 'sha256:00' },
    layerSelector: { mediaType: 'a/b', operation: 'copy' },
    interval: '5m',
    provider: 'aws',
    secretRef: { name: 'login' },
    certSecretRef: { name: 'ca' },
    proxySecretRef: { name: 'proxy' },
    serviceAccountName: 'puller',
    insecure: true,
    ignore: '*.md',
    suspend: true,
    timeout: '10s',
    verify: {
      provider: 'cosign',
      secretRef: { name: 'keys' },
      trustedRootSecretRef: { name: 'root' },
      matchOIDCIdentity: [{ issuer: '^i$', subject: '^s$' }],
    },
  },
};

test('a HelmChart has every field of its template, and is beside its source', () => {
  const { spec, metadata } = helmChart;
  const { namespace: _, ...reference } = sourceRef;
  assert.deepEqual(made(helmChart), {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'HelmChart',
    metadata: {
      ...{ name: 'apps-web', namespace: 'sources', annotations: metadata?.annotations },
      labels: { a: 'b', ...LABELS },
    },
    spec: { ...spec, sourceRef: reference, interval: '1h30m0s' },
  });
});

test('a HelmChart looks as often as its HelmRelease unless its template says how often', () => {
  const { chart, sourceRef } = helmChart.spec;
  const body = made({ spec: { chart, sourceRef } as ChartTemplate['spec'] });
  const { namespace: _, ...reference } = sourceRef ?? {};
  assert.deepEqual(body.spec, { chart: 'app', sourceRef: reference, interval: '1h0m0s' });
});

test('an OCIRepository has every field of its template, and is beside its HelmRelease', () => {
  const { spec } = ociRepository;
  assert.deepEqual(made(ociRepository), {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: 'apps-web', namespace: 'apps', labels: { a: 'b', ...LABELS } },
    spec: { ...spec, interval: '5m0s' },
  });
});

test('what is made is what the schema of its kind takes, and stays as it is', () => {
  const cases: [ChartTemplate, Kind][] = [
    [helmChart, HelmChart],
    [ociRepository, OCIRepository],
  ];
  for (const [template, kind] of cases) {
    const wanted = made(template);
    const valid = validate(kind, wanted);
    assert.ok(valid.ok, JSON.stringify(valid));
    // This is the object as the API server returns it, with its defaults set.
    const live = structuredClone(valid.object) as typeof wanted;
    assert.equal(compareWanted(live, wanted), 'same');
    const labelled = {
      ...live,
      metadata: { ...live.metadata, labels: { ...live.metadata.labels, e: 'f' } },
    };
    assert.equal(compareWanted(labelled, wanted), 'more');
    assert.equal(compareWanted({ ...live, metadata: { name: 'apps-web' } }, wanted), 'different');
    assert.equal(
      compareWanted({ ...live, spec: { ...live.spec, interval: '1s' } }, wanted),
      'different',
    );
  }
});

test('a HelmRelease that refers to a chart makes none', () => {
  assert.equal(chartObjectOf(helmRelease()), undefined);
});

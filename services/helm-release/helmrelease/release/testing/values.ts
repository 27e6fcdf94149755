// Values for tests of what is decided about releases.
import type { HelmRelease, HelmReleaseSpec, ReleaseSnapshot } from '@weir/api';
import type { StoredRelease } from '../types.ts';

const TIME = '2026-01-01T00:00:00Z';

export const CHART = { name: 'app', version: '1.0.0' };
export const CONFIG = 'sha256:config';

/** A HelmRelease `apps/web` of generation 2. */
export function helmRelease(spec: Partial<HelmReleaseSpec> = {}): HelmRelease {
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'web', namespace: 'apps', generation: 2 },
    spec: { interval: '1h', chartRef: { kind: 'HelmChart', name: 'app' }, ...spec },
  };
}

/** A version of the release in storage, as the snapshot of the same version and status has it. */
export function stored(
  version = 1,
  status = 'deployed',
  change: Partial<StoredRelease> = {},
): StoredRelease {
  return {
    name: 'web',
    namespace: 'apps',
    version,
    info: {
      status: status as StoredRelease['info']['status'],
      description: '',
      firstDeployed: TIME,
      lastDeployed: TIME,
    },
    applyMethod: 'ssa',
    chart: { ...CHART, appVersion: '', kubeVersion: '', type: '', deprecated: false },
    configDigest: CONFIG,
    digest: `sha256:v${version}-${status}`,
    tests: {},
    ...change,
  } as StoredRelease;
}

export function snapshot(
  version = 1,
  status = 'deployed',
  change: Partial<ReleaseSnapshot> = {},
): ReleaseSnapshot {
  return {
    apiVersion: 'v2',
    digest: `sha256:v${version}-${status}`,
    name: 'web',
    namespace: 'apps',
    version,
    status,
    chartName: CHART.name,
    chartVersion: CHART.version,
    configDigest: CONFIG,
    firstDeployed: TIME,
    lastDeployed: TIME,
    ...change,
  };
}

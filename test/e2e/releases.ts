// HelmReleases of a chart that a repository on this machine serves.
import { HelmRelease, HelmRepository } from '@weir/api';
import { startChartRepository } from '@weir/cluster';
import { type PublishedCharts, publishedCharts } from '@weir/conformance/charts';
import type { KubeObject } from '@weir/kube';

const NAME = 'charts';

/** Serves a Helm repository with charts of the conformance fixtures. Disposing of `started` ends that. */
export async function serveCharts(
  started: AsyncDisposableStack,
  ids: readonly string[],
): Promise<PublishedCharts> {
  const server = await startChartRepository();
  started.defer(() => server.close());
  const published = publishedCharts(server, NAME);
  await published.publish(ids);
  return published;
}

/** The HelmRepository `charts`. Its interval is an hour, so that it is looked at only when asked for, unless the spec says more. */
export function helmRepository(namespace: string, url: string, spec: object = {}): KubeObject {
  const { apiVersion, kind } = HelmRepository;
  const metadata = { namespace, name: NAME };
  return { apiVersion, kind, metadata, spec: { interval: '1h', url, ...spec } };
}

/** A release of the chart `app`, whatever its version, that puts drift back. Its ConfigMap is `<name>-cfg`. */
export function helmRelease(namespace: string, name: string, spec: object = {}): KubeObject {
  const { apiVersion, kind } = HelmRelease;
  const sourceRef = { kind: 'HelmRepository', name: NAME };
  const chart = { spec: { chart: 'app', version: '*', sourceRef } };
  const driftDetection = { mode: 'enabled' };
  return {
    ...{ apiVersion, kind, metadata: { namespace, name } },
    spec: { interval: '1h', chart, driftDetection, ...spec },
  };
}

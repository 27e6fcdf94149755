// The service against a real API server and a real NATS, with charts that the test publishes itself.
import { HelmChart, HelmRelease, type HelmReleaseSpec, type OCIRepository } from '@weir/api';
import { until } from '@weir/cluster';
import { publishFiles, type ServiceHarness, startServiceHarness } from '@weir/kit';
import type { KubeObject, ResourceType } from '@weir/kube';
import { service } from '../main.ts';
import { type ChartOptions, chartFiles } from './charts.ts';

export interface PublishOptions extends ChartOptions {
  /** Of the source, which is named `app`; HelmChart unless given. */
  kind?: typeof HelmChart | typeof OCIRepository;
  source?: string;
  /** Of the artifact; the version of the chart unless given. */
  revision?: string;
  announce?: boolean;
  /** URL of a server that has the artifact. */
  server?: string;
}

export interface Harness extends Omit<ServiceHarness, 'ready'> {
  /** Gives the HelmChart `app` a new artifact. */
  chart(namespace: string, options?: PublishOptions): Promise<void>;
  /** Creates or changes `<namespace>/<name>`; its chart is the HelmChart `app` unless the spec says otherwise. */
  release(namespace: string, name: string, spec?: Partial<HelmReleaseSpec>): Promise<HelmRelease>;
  read(namespace: string, name: string): Promise<HelmRelease>;
  /** Waits for the Ready condition to have this status, and a message that matches. */
  ready(
    namespace: string,
    name: string,
    status: 'True' | 'False' | 'Unknown',
    message?: RegExp,
  ): Promise<HelmRelease>;
  configMap(namespace: string, name: string): Promise<(KubeObject & Data) | undefined>;
  /** The names of the Secrets that Helm stores a release's versions in. */
  versions(namespace: string, release: string): Promise<string[]>;
}

interface Data {
  data?: Record<string, string>;
}

const SECRETS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

export async function startHarness(flags: Record<string, string> = {}): Promise<Harness> {
  const harness = await startServiceHarness({
    service,
    flags,
    cluster: { audit: true, controllerManager: true },
  });
  const { client, find } = harness;
  return {
    ...harness,
    read: (namespace, name) => client.get<HelmRelease>(HelmRelease, { namespace, name }),
    configMap: (namespace, name) => find('v1', 'ConfigMap', { namespace, name }),
    async chart(namespace, options = {}) {
      const {
        kind = HelmChart,
        source: name = 'app',
        version = '1.0.0',
        announce = true,
      } = options;
      const revision = options.revision ?? version;
      // What a HelmRelease has made of its template stays as it is.
      const made = await find(kind.apiVersion, kind.kind, { namespace, name });
      const spec = made?.spec as object | undefined;
      await publishFiles(harness, namespace, chartFiles(options), {
        spec,
        kind,
        name,
        revision,
        announce,
        server: options.server,
      });
    },
    release(namespace, name, spec = {}) {
      const chart =
        spec.chart === undefined ? { chartRef: { kind: 'HelmChart', name: 'app' } } : {};
      return client.apply<HelmRelease>(
        HelmRelease,
        {
          apiVersion: HelmRelease.apiVersion,
          kind: 'HelmRelease',
          metadata: { namespace, name },
          spec: { interval: '1h', timeout: '20s', ...chart, ...spec },
        },
        { fieldManager: 'test', force: true },
      );
    },
    ready: (namespace, name, status, message = /.*/) =>
      harness.ready(HelmRelease, { namespace, name }, { status, message }),
    async versions(namespace, release) {
      const labelSelector = `owner=helm,name=${release}`;
      const { items } = await client.list(SECRETS, { namespace, labelSelector });
      return items.map(({ metadata }) => metadata.name).sort();
    },
  };
}

export { until };

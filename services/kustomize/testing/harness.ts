// The service against a real API server and a real NATS, with sources that the test writes itself.
import { Kustomization, type KustomizationSpec } from '@weir/api';
import { until } from '@weir/cluster';
import { type Files, publishFiles, type ServiceHarness, startServiceHarness } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { service } from '../main.ts';

export interface Harness extends Omit<ServiceHarness, 'ready'> {
  /** Gives the source a new artifact. With `announce: false` only the watch shows it. Returns the revision. */
  publish(
    namespace: string,
    files: Files,
    options?: { announce?: boolean; name?: string; traceparent?: string },
  ): Promise<string>;
  /** Creates or changes `<namespace>/<name>`. */
  kustomization(
    namespace: string,
    name: string,
    spec?: Partial<KustomizationSpec>,
  ): Promise<Kustomization>;
  read(namespace: string, name: string): Promise<Kustomization>;
  /** Waits for the Ready condition to have this status, and a message that matches. */
  ready(
    namespace: string,
    name: string,
    status: 'True' | 'False' | 'Unknown',
    message?: RegExp,
  ): Promise<Kustomization>;
  configMap(namespace: string, name: string): Promise<KubeObject | undefined>;
}

const MERGE = { contentType: 'application/merge-patch+json' };

export async function startHarness(
  flags: Record<string, string> = {},
  options: { log?: Logger } = {},
): Promise<Harness> {
  const harness = await startServiceHarness({
    ...{ service, flags, cluster: { audit: true } },
    ...options,
  });
  const { client, find } = harness;
  let revisions = 0;

  return {
    ...harness,
    read: (namespace, name) => client.get<Kustomization>(Kustomization, { namespace, name }),
    configMap: (namespace, name) => find('v1', 'ConfigMap', { namespace, name }),
    async publish(namespace, files, options = {}) {
      const revision = `main@sha1:${String(++revisions).padStart(40, '0')}`;
      await publishFiles(harness, namespace, files, { ...options, revision });
      return revision;
    },
    kustomization(namespace, name, spec = {}) {
      return client.apply<Kustomization>(
        Kustomization,
        {
          apiVersion: Kustomization.apiVersion,
          kind: 'Kustomization',
          metadata: { namespace, name },
          spec: {
            interval: '1h',
            retryInterval: '1h',
            prune: true,
            sourceRef: { kind: 'GitRepository', name: 'git' },
            ...spec,
          },
        },
        { fieldManager: 'test', force: true },
      );
    },
    ready: (namespace, name, status, message = /.*/) =>
      harness.ready(Kustomization, { namespace, name }, { status, message }),
  };
}

/** The objects as YAML (each is JSON), one document each. */
export function manifests(...objects: object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

export function configMap(namespace: string, name: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

/** A Deployment without pods unless the test says otherwise. The test writes its status. */
export function deployment(namespace: string, name: string, { replicas = 0 } = {}) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  };
}

export { type Files, MERGE, until };

// A control plane with a namespace to play in, and the engine that computes statuses.
import { type Cluster, type ClusterOptions, startCluster, until } from '@weir/cluster';
import { connectKube, type KubeClient, type KubeObject } from '@weir/kube';
import { createPool, type RenderPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { type AppliedObject, type ApplyOptions, applyObjects } from '../apply.ts';
import { openTargetCluster, type TargetCluster } from '../cluster.ts';
import { managerRules } from '../field-managers.ts';
import { type Owner, ownerLabels } from '../labels.ts';

export interface Harness {
  cluster: Cluster;
  client: KubeClient;
  /** The cluster as something to apply to, with all rights; its drift watch reports to nobody. */
  target: TargetCluster;
  pool: RenderPool;
  /** Makes a namespace of its own for a test. */
  namespace(): Promise<string>;
  /** Applies as `owner`, which is `test/<namespace>` unless given. */
  apply(objects: KubeObject[], options?: Partial<ApplyOptions>): Promise<AppliedObject[]>;
  get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject>;
  close(): Promise<void>;
}

export const GROUP = 'kustomize.toolkit.fluxcd.io';
export const FIELD_MANAGER = 'kustomize-controller';

export function owner(name = 'app', namespace = 'flux'): Owner {
  return { group: GROUP, fieldManager: FIELD_MANAGER, name, namespace };
}

/** Copies of the objects with the owner's labels, as a build gives them. */
export function owned(objects: KubeObject[], by: Owner = owner()): KubeObject[] {
  return objects.map((object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, ...ownerLabels(by) },
    },
  }));
}

export async function startHarness(options: ClusterOptions): Promise<Harness> {
  const log = createLogger({ service: 'test', level: 'error' });
  const cluster = await startCluster({ nats: false, ...options });
  const client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
  const pool = await createPool({ size: 1, log });
  const target = openTargetCluster(client, {
    owner: { group: GROUP, fieldManager: FIELD_MANAGER },
    rules: managerRules(FIELD_MANAGER),
    onError: (type, err) => log.error({ err, kind: type.kind }, 'drift watch'),
  });
  let namespaces = 0;
  return {
    cluster,
    client,
    target,
    pool,
    async namespace() {
      const name = `test-${++namespaces}`;
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
      return name;
    },
    apply(objects, more = {}) {
      const by = more.owner ?? owner();
      return applyObjects(target, owned(objects, by), {
        owner: by,
        status: (list) => pool.status(list, { tenant: 'test' }),
        signal: AbortSignal.timeout(30_000),
        ...more,
      });
    },
    async get(apiVersion, kind, namespace, name) {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      return client.get(type, { namespace, name });
    },
    async close() {
      await target.drift.close();
      await pool.close();
      await client.close();
      await cluster.close();
    },
  };
}

export function configMap(namespace: string, name: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

export function deployment(namespace: string, name: string, replicas = 0, image = 'nginx') {
  const labels = { app: name };
  const containers = [{ name: 'c', image, ports: [{ containerPort: 80, protocol: 'TCP' }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      progressDeadlineSeconds: 5,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

/** A definition of a namespaced kind `<Kind>` in example.com/v1. */
export function definition(kind: string) {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind, plural: `${singular}s`, singular, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
          },
        },
      ],
    },
  };
}

/** `Kind/namespace/name action` of each, as events list them. */
export function actions(applied: readonly AppliedObject[]): string[] {
  return applied.map(({ change: { id, action } }) =>
    [id.kind, ...(id.namespace ? [id.namespace] : []), `${id.name} ${action}`].join('/'),
  );
}

export { until };

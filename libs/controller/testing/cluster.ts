import { crdFor, Kustomization } from '@weir/api';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  ConfigMap,
  CustomResourceDefinition,
  connectKube,
  type KubeClient,
  Namespace,
} from '@weir/kube';
import { createLogger } from '@weir/telemetry';

export const log = createLogger({ service: 'test', level: process.env.LOG_LEVEL ?? 'silent' });

/** Starts an API server without controller manager, scheduler or nodes, so that only the test changes objects. */
export async function startApiServer(): Promise<Cluster> {
  return startCluster({ nodes: 0, controllerManager: false, nats: false });
}

/** Makes a client of its own for each caller, so that a test can close one without affecting the others. */
export function connect(cluster: Cluster): KubeClient {
  return connectKube({ kubeconfig: cluster.kubeconfig }, { log });
}

export async function makeNamespace(client: KubeClient, name: string): Promise<string> {
  await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

/** Installs the CRD of Kustomization, the kind that the tests reconcile. */
export async function installKustomization(client: KubeClient): Promise<void> {
  await client.create(CustomResourceDefinition, crdFor(Kustomization));
  await until(async () => client.list(Kustomization), {
    timeoutMs: 10_000,
    message: 'the kind to be served',
  });
}

export function kustomization(namespace: string, name: string): Kustomization {
  return {
    apiVersion: Kustomization.apiVersion,
    kind: Kustomization.kind,
    metadata: { namespace, name },
    spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'apps' } },
  };
}

export function configMap(namespace: string, name: string, value = '') {
  return {
    apiVersion: 'v1',
    kind: ConfigMap.kind,
    metadata: { namespace, name },
    data: { value },
  };
}

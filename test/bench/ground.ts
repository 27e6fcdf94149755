// What every system is measured on: a control plane of its own, a Git server, and a collector of traces.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Cluster,
  type Collector,
  type GitServer,
  startCluster,
  startCollector,
  startGitServer,
} from '@weir/cluster';
import { connectKube, type KubeClient, type KubeObject, Namespace } from '@weir/kube';

export interface Ground {
  cluster: Cluster;
  git: GitServer;
  collector: Collector;
  /** As an administrator: who measures. */
  client: KubeClient;
  /** For what belongs to the run: logs, caches, profiles. Goes at its end. */
  dir: string;
  /** The namespace that all measured objects are in. */
  namespace: string;
  /** Creates or changes an object, as a user would. */
  apply(object: KubeObject): Promise<void>;
}

const NAMESPACE = 'bench';

/** Starts it all, on free ports of 127.0.0.1; what was started is stopped with `started`. */
export async function openGround(started: AsyncDisposableStack): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  // Deployments have no replicas here, so that nothing waits for pods.
  const cluster = await startCluster({ nodes: 0, audit: true });
  started.defer(() => cluster.close());
  const git = await startGitServer();
  started.defer(() => git.close());
  const collector = await startCollector();
  started.defer(() => collector.close());
  const client = connectKube({ kubeconfig: cluster.kubeconfig });
  started.defer(() => client.close());

  const apply = async (object: KubeObject) => {
    const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
    await client.apply(type, object, { fieldManager: 'bench', force: true });
  };
  await client.apply(
    Namespace,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { fieldManager: 'bench' },
  );
  return { cluster, git, collector, client, dir, namespace: NAMESPACE, apply };
}

// What every system is measured on: a control plane of its own, a Git server, and a collector of traces.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
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
import { installDefinitions } from '@weir/conformance/systems';
import { connectKube, type KubeClient, type KubeObject, Namespace } from '@weir/kube';

export interface Ground {
  cluster: Cluster;
  git: GitServer;
  collector: Collector;
  /** As an administrator: who measures. */
  client: KubeClient;
  /** For what belongs to the run: logs and caches. */
  dir: string;
  /** The namespace that all measured objects are in. */
  namespace: string;
  /** What runs the cluster, for the results. */
  platform: Platform;
  /** Creates or changes an object, as a user would. */
  apply(object: KubeObject): Promise<void>;
}

export interface Platform {
  kubernetes: string;
  /** Flags of kube-apiserver, those with paths and addresses left out. */
  apiserver: string[];
}

const NAMESPACE = 'bench';

export interface GroundOptions {
  nats: boolean;
  /** Folder for logs and caches that stays; one that goes unless given. */
  dir?: string;
}

/**
 * Starts it all, on free ports of 127.0.0.1, with the definitions of all kinds; what was started is stopped
 * with `started`.
 */
export async function openGround(
  started: AsyncDisposableStack,
  options: GroundOptions,
): Promise<Ground> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'weir-bench-')));
  await mkdir(dir, { recursive: true });
  if (options.dir === undefined) started.defer(() => rm(dir, { recursive: true, force: true }));
  // Deployments have no replicas here, so that nothing waits for pods.
  const { nats } = options;
  const cluster = await startCluster({ nodes: 0, audit: true, nats, logDir: dir });
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
  await installDefinitions(client);
  client.discovery.invalidate();
  await client.apply(
    Namespace,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { fieldManager: 'bench' },
  );
  const platform = await describePlatform(cluster, client);
  return { cluster, git, collector, client, dir, namespace: NAMESPACE, platform, apply };
}

async function describePlatform(cluster: Cluster, client: KubeClient): Promise<Platform> {
  const path = '/version';
  const { gitVersion } = await client.request<{ gitVersion: string }>({ method: 'GET', path });
  const commandLine = await readFile(`/proc/${cluster.pids()['kube-apiserver']}/cmdline`, 'utf8');
  const flags = commandLine.split('\0').slice(1);
  const apiserver = flags.filter((flag) => flag !== '' && !/\/|secure-port/.test(flag));
  return { kubernetes: gitVersion, apiserver };
}

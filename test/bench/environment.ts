// What every system is measured on: a control plane of its own, a Git server and a collector of traces.
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

export interface Environment {
  cluster: Cluster;
  git: GitServer;
  collector: Collector;
  /** An administrator's client, by which the benchmark itself reads and writes. */
  client: KubeClient;
  /** The folder for logs and caches of this run. */
  dir: string;
  /** The namespace of all measured objects. */
  namespace: string;
  /** The versions and flags of the control plane, for the results. */
  platform: Platform;
  /** Creates or changes an object, as a user would. */
  apply(object: KubeObject): Promise<void>;
}

export interface Platform {
  kubernetes: string;
  /** Flags of kube-apiserver, without those that contain paths and addresses. */
  apiserver: string[];
}

const NAMESPACE = 'bench';

export interface EnvironmentOptions {
  nats: boolean;
  /** A folder for logs and caches, which is kept. Without it a temporary one is used and removed. */
  dir?: string;
}

/**
 * Starts everything on free ports of 127.0.0.1 and installs the definitions of all kinds. Disposing of `started` stops
 * it again.
 */
export async function openEnvironment(
  started: AsyncDisposableStack,
  options: EnvironmentOptions,
): Promise<Environment> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'weir-bench-')));
  await mkdir(dir, { recursive: true });
  if (options.dir === undefined) started.defer(() => rm(dir, { recursive: true, force: true }));
  // The Deployments have no replicas, so neither nodes nor a scheduler are needed.
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

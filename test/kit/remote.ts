// A second cluster beside that of a test: an API server of its own, and Secrets that lead to it.
import { readFile } from 'node:fs/promises';
import { type Cluster, type ClusterOptions, startCluster } from '@weir/cluster';
import { connectKube, isNotFound, type KubeClient, type KubeObject, Secret } from '@weir/kube';

export interface RemoteCluster {
  cluster: Cluster;
  /** An administrator of the remote cluster. */
  client: KubeClient;
  /** The administrator's kubeconfig. */
  kubeconfig: string;
  /** Makes a namespace of this name. */
  namespace(name: string): Promise<void>;
  /** A kubeconfig with a token of an account that may do everything; it is made where it is missing. */
  tokenKubeconfig(account: string): Promise<string>;
  find(apiVersion: string, kind: string, ref: Ref): Promise<KubeObject | undefined>;
  close(): Promise<void>;
}

interface Ref {
  namespace?: string;
  name: string;
}

export async function startRemoteCluster(options: ClusterOptions = {}): Promise<RemoteCluster> {
  const cluster = await startCluster({
    ...{ nodes: 0, controllerManager: false, nats: false },
    ...options,
  });
  const client = connectKube({ kubeconfig: cluster.kubeconfig });
  const ignoreConflict = (error: unknown) => {
    if (!(error instanceof Error) || !/409|AlreadyExists|already exists/.test(error.message))
      throw error;
  };

  return {
    cluster,
    client,
    kubeconfig: await readFile(cluster.kubeconfig, 'utf8'),
    async namespace(name) {
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
    },
    async tokenKubeconfig(name) {
      const accounts = '/api/v1/namespaces/default/serviceaccounts';
      await cluster.request('POST', accounts, { metadata: { name } }).catch(ignoreConflict);
      const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
      const binding = {
        metadata: { name },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'cluster-admin',
        },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
      };
      await cluster.request('POST', bindings, binding).catch(ignoreConflict);
      return readFile(await cluster.kubeconfigFor(`default/${name}`), 'utf8');
    },
    async find(apiVersion, kind, ref) {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      return client.get(type, ref).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    },
    async close() {
      await client.close();
      await cluster.close();
    },
  };
}

/** What an object says that is applied to the other cluster, by the Secret of `namespaceInBoth`. */
export const REMOTE = { kubeConfig: { secretRef: { name: 'remote' } } };

/** A namespace of one name in both clusters, with a Secret `remote` in the one that leads to the other. */
export async function namespaceInBoth(
  here: { client: KubeClient; namespace(): Promise<string> },
  there: RemoteCluster,
  kubeconfig = there.kubeconfig,
): Promise<string> {
  const namespace = await here.namespace();
  await there.namespace(namespace);
  await applyKubeconfig(here.client, { namespace, name: 'remote' }, kubeconfig);
  return namespace;
}

/** Creates or changes a Secret with a kubeconfig. */
export async function applyKubeconfig(
  client: KubeClient,
  ref: { namespace: string; name: string },
  kubeconfig: string,
  key = 'value',
): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ref,
    data: { [key]: Buffer.from(kubeconfig).toString('base64') },
  };
  await client.apply(Secret, secret, { fieldManager: 'test', force: true });
}

// Flux's own controllers, with which Weir is compared.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTool, freePort, run } from '@weir/cluster';
import { runProgram } from '@weir/conformance/process';
import { ClusterRoleBinding, type KubeClient, Namespace, ServiceAccount } from '@weir/kube';
import type { Environment } from '../environment.ts';
import type { RunningSystem, System, SystemDescription, SystemOptions } from '../system.ts';
import { startImageReflector } from './images.ts';
import { startNotificationController } from './notification.ts';
import { startParts } from './parts.ts';

const NAMESPACE = 'flux-system';
const SOURCE = 'source-controller';
const KUSTOMIZE = 'kustomize-controller';

/** The flags of an installed Flux, but without leader election, which its controllers can only do inside a cluster. */
const COMMON = ['--watch-all-namespaces', '--log-level=info'];
const TUNED = ['--kube-api-qps=2000', '--kube-api-burst=2000'];

/** Flux with its default flags, but with as many workers as Weir has. */
export const flux = fluxWith('flux', 'Flux', {
  [SOURCE]: ['--concurrent=10'],
  [KUSTOMIZE]: ['--concurrent=20'],
});

/** Flux with the limits of its Kubernetes client lifted and a short wait for dependencies. */
export const fluxTuned = fluxWith('flux-tuned', 'Flux, tuned', {
  [SOURCE]: ['--concurrent=10', ...TUNED],
  [KUSTOMIZE]: ['--concurrent=20', ...TUNED, '--requeue-dependency=2s'],
});

type Flags = Record<typeof SOURCE | typeof KUSTOMIZE, string[]>;

function fluxWith(name: string, title: string, own: Flags): System {
  const flags = {
    [SOURCE]: [...COMMON, ...own[SOURCE]],
    [KUSTOMIZE]: [...COMMON, ...own[KUSTOMIZE]],
  };
  return {
    name,
    title,
    clients: [SOURCE, KUSTOMIZE],
    needsNats: false,
    describe: () => describe(name, title, flags),
    start(environment, { runs }: SystemOptions) {
      if (runs === 'alerts') return startNotificationController(environment);
      if (runs === 'images') return startImageReflector(environment);
      return start(environment, flags);
    },
  };
}

async function describe(name: string, title: string, flags: Flags): Promise<SystemDescription> {
  const binary = await buildTool('flux');
  const { stdout, code, stderr } = await run(binary, ['version', '--client']);
  if (code !== 0) throw new Error(`${binary}: ${stderr}`);
  return { name, title, version: stdout.trim().replace(/^flux: /, ''), flags };
}

async function start(environment: Environment, flags: Flags): Promise<RunningSystem> {
  const { cluster, client, dir } = environment;
  await createAccounts(client);
  const storagePath = join(dir, SOURCE);
  await mkdir(storagePath, { recursive: true });
  const [storage = 0, ...ports] = await Promise.all(Array.from({ length: 5 }, freePort));
  const controller = async (name: typeof SOURCE | typeof KUSTOMIZE, more: readonly string[]) => {
    const [healthPort = 0, metricsPort = 0] = name === SOURCE ? ports : ports.slice(2);
    const env = {
      KUBECONFIG: await cluster.kubeconfigFor(`${NAMESPACE}/${name}`),
      RUNTIME_NAMESPACE: NAMESPACE,
    };
    const command = await buildTool(name);
    return () =>
      runProgram({
        name,
        command,
        args: [
          ...flags[name],
          ...more,
          `--metrics-addr=127.0.0.1:${metricsPort}`,
          `--health-addr=127.0.0.1:${healthPort}`,
        ],
        env,
        healthPort,
        log: join(dir, `${name}.log`),
      });
  };
  return startParts({
    [SOURCE]: await controller(SOURCE, [
      `--storage-path=${storagePath}`,
      `--storage-addr=127.0.0.1:${storage}`,
      `--storage-adv-addr=127.0.0.1:${storage}`,
    ]),
    [KUSTOMIZE]: await controller(KUSTOMIZE, []),
  });
}

/** Creates an account for each controller, so that the audit log distinguishes them. Both have all rights. */
async function createAccounts(client: KubeClient): Promise<void> {
  const how = { fieldManager: 'bench', force: true };
  const subjects = [SOURCE, KUSTOMIZE].map((name) => ({
    kind: 'ServiceAccount',
    name,
    namespace: NAMESPACE,
  }));
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  await client.apply(Namespace, namespace, how);
  for (const { kind, name, namespace } of subjects) {
    const account = { apiVersion: 'v1', kind, metadata: { name, namespace } };
    await client.apply(ServiceAccount, account, how);
  }
  const apiGroup = 'rbac.authorization.k8s.io';
  const binding = {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: NAMESPACE },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects,
  };
  await client.apply(ClusterRoleBinding, binding, how);
}

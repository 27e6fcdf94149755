// Flux's own controllers, with which Weir is compared.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTool, freePort, run } from '@weir/cluster';
import { runProgram } from '@weir/conformance/process';
import { ClusterRoleBinding, type KubeClient, Namespace, ServiceAccount } from '@weir/kube';
import type { Environment } from '../environment.ts';
import type { RunningSystem, Runs, System, SystemDescription, SystemOptions } from '../system.ts';
import { notificationController, startNotificationController } from './notification.ts';
import { type Part, startParts } from './parts.ts';

const NAMESPACE = 'flux-system';

type Controller =
  | 'source-controller'
  | 'kustomize-controller'
  | 'helm-controller'
  | 'image-reflector-controller'
  | 'image-automation-controller';

const ALL: readonly Controller[] = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'image-reflector-controller',
  'image-automation-controller',
];
const CONTROLLERS: Record<Exclude<Runs, 'alerts' | 'webhooks'>, readonly Controller[]> = {
  apps: ['source-controller', 'kustomize-controller'],
  helm: ['source-controller', 'helm-controller'],
  sources: ['source-controller'],
  scans: ['image-reflector-controller'],
  circle: [
    'source-controller',
    'kustomize-controller',
    'image-reflector-controller',
    'image-automation-controller',
  ],
};

/** The flags of an installed Flux, but without leader election, which its controllers can only do inside a cluster. */
const COMMON = ['--watch-all-namespaces', '--log-level=info'];
/** As many workers as Weir has. */
const WORKERS: Record<Controller, number> = {
  'source-controller': 10,
  'kustomize-controller': 20,
  'helm-controller': 16,
  'image-reflector-controller': 16,
  'image-automation-controller': 16,
};
/** Those whose objects depend on each other. */
const DEPENDENTS = new Set<Controller>(['kustomize-controller', 'helm-controller']);
const TUNED = ['--kube-api-qps=2000', '--kube-api-burst=2000'];

/** Flux with its default flags, but with as many workers as Weir has. */
export const flux = fluxWith('flux', 'Flux', () => []);

/** Flux with the limits of its Kubernetes client lifted, a short wait for dependencies, and a cache of chart indexes. */
export const fluxTuned = fluxWith('flux-tuned', 'Flux, tuned', (controller) => {
  if (controller === 'source-controller') return [...TUNED, '--helm-cache-max-size=10'];
  return DEPENDENTS.has(controller) ? [...TUNED, '--requeue-dependency=2s'] : TUNED;
});

type Flags = Record<Controller, string[]>;

function fluxWith(name: string, title: string, more: (of: Controller) => string[]): System {
  const flags = Object.fromEntries(
    ALL.map((controller) => [
      controller,
      [...COMMON, `--concurrent=${WORKERS[controller]}`, ...more(controller)],
    ]),
  ) as Flags;
  return {
    name,
    title,
    clients: ALL,
    needsNats: false,
    describe: () => describe(name, title, flags),
    start(environment, { runs }: SystemOptions) {
      if (runs === 'alerts') return startNotificationController(environment);
      if (runs === 'webhooks') return startWithWebhooks(environment, flags);
      return start(environment, CONTROLLERS[runs], flags);
    },
  };
}

async function describe(name: string, title: string, flags: Flags): Promise<SystemDescription> {
  const binary = await buildTool('flux');
  const { stdout, code, stderr } = await run(binary, ['version', '--client']);
  if (code !== 0) throw new Error(`${binary}: ${stderr}`);
  return { name, title, version: stdout.trim().replace(/^flux: /, ''), flags };
}

/** source-controller with notification-controller, which takes the webhooks. */
async function startWithWebhooks(environment: Environment, flags: Flags): Promise<RunningSystem> {
  const name = 'source-controller';
  await createAccounts(environment.client, [name]);
  const { start: begin, webhooks } = await notificationController(environment);
  const source = await starterOf(name, environment, flags[name]);
  const parts = await startParts({ [name]: source, 'notification-controller': begin });
  return { ...parts, webhooks };
}

async function start(
  environment: Environment,
  controllers: readonly Controller[],
  flags: Flags,
): Promise<RunningSystem> {
  await createAccounts(environment.client, controllers);
  const starters: Record<string, () => Promise<Part>> = {};
  for (const controller of controllers) {
    starters[controller] = await starterOf(controller, environment, flags[controller]);
  }
  return startParts(starters);
}

/** Prepares a controller, with ports that stay the same when it is started again. */
async function starterOf(
  name: Controller,
  { cluster, dir }: Environment,
  flags: readonly string[],
): Promise<() => Promise<Part>> {
  const [healthPort, metricsPort] = await Promise.all([freePort(), freePort()]);
  const storage = await storageFlags(name, dir);
  const env = {
    KUBECONFIG: await cluster.kubeconfigFor(`${NAMESPACE}/${name}`),
    RUNTIME_NAMESPACE: NAMESPACE,
  };
  const command = await buildTool(name);
  const addresses = [
    `--metrics-addr=127.0.0.1:${metricsPort}`,
    `--health-addr=127.0.0.1:${healthPort}`,
  ];
  const log = join(dir, `${name}.log`);
  return () =>
    runProgram({ name, command, args: [...flags, ...storage, ...addresses], env, healthPort, log });
}

/** The flags about what a controller keeps on disk. */
async function storageFlags(name: Controller, dir: string): Promise<string[]> {
  const path = join(dir, name);
  if (name === 'image-reflector-controller') {
    await mkdir(path, { recursive: true });
    return [`--storage-path=${path}`];
  }
  if (name !== 'source-controller') return [];
  await mkdir(path, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  return [`--storage-path=${path}`, `--storage-addr=${address}`, `--storage-adv-addr=${address}`];
}

/** Creates an account for each controller, so that the audit log distinguishes them. All have all rights. */
async function createAccounts(
  client: KubeClient,
  controllers: readonly Controller[],
): Promise<void> {
  const how = { fieldManager: 'bench', force: true };
  const subjects = controllers.map((name) => ({
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

// The two systems that fixtures are played against: Flux's controllers, and Weir.

import { globSync } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTool, type Cluster, freePort, type PEERS } from '@weir/cluster';
import { CustomResourceDefinition, type KubeClient, type KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import { inPodOf } from './pod.ts';
import { startProgram } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');
const CHART_CRDS = join(ROOT, 'charts/weir/crds');
const STUBS = join(import.meta.dirname, 'crds');
const FLUX_NAMESPACE = 'flux-system';

export type SystemName = 'flux' | 'weir';

export interface SystemOptions {
  cluster: Cluster;
  /** The folder for logs and caches. */
  dir: string;
  /** The flags of kustomize or kustomize-controller. */
  flags: Record<string, string>;
  /** The address to which Flux's controllers post their events. */
  eventsAddress?: string;
}

/** Starts a system. When it is ready, resolves with a function that stops it. */
export function startSystem(
  name: SystemName,
  options: SystemOptions,
): Promise<() => Promise<void>> {
  return name === 'flux' ? startFlux(options) : startWeir(options);
}

/** Starts services of Weir in one process. When they are ready, resolves with a function that stops them. */
export async function startWeir(
  { cluster, dir, flags }: SystemOptions,
  services: readonly string[] = ['source', 'kustomize'],
): Promise<() => Promise<void>> {
  const [healthPort, artifactPort] = [await freePort(), await freePort()];
  // Weir never fetches remote bases, so it has no flag that forbids them.
  const { 'no-remote-bases': _, ...understood } = flags;
  return startProgram({
    name: 'weir',
    command: process.execPath,
    args: [
      join(ROOT, 'services/host/run.ts'),
      ...services,
      '--service-accounts',
      `--health-port=${healthPort}`,
      `--artifact-port=${artifactPort}`,
      `--artifact-address=127.0.0.1:${artifactPort}`,
      `--storage-dir=${join(dir, 'weir')}`,
      '--allow-local-addresses',
      ...asArguments(understood),
    ],
    env: cluster.env,
    healthPort,
    log: join(dir, 'weir.log'),
  });
}

export interface FluxOptions extends SystemOptions {
  /** The flags of both controllers. */
  common?: Record<string, string>;
  /** Whether the controllers hold a leader Lease while they run, as they do in clusters. */
  leaderElection?: boolean;
}

/** Starts Flux's source-controller and kustomize-controller. Resolves with a function that stops both. */
async function startFlux(options: FluxOptions): Promise<() => Promise<void>> {
  const stopSource = await startSourceController(options);
  const stopKustomize = await startKustomizeController(options);
  return async () => void (await Promise.all([stopKustomize(), stopSource()]));
}

/** Starts Flux's source-controller. When it is ready, resolves with a function that stops it. */
export async function startSourceController(options: FluxOptions): Promise<() => Promise<void>> {
  const storage = await freePort();
  const storagePath = join(options.dir, 'source-controller');
  await mkdir(storagePath, { recursive: true });
  return startController('source-controller', options, [
    `--storage-path=${storagePath}`,
    `--storage-addr=127.0.0.1:${storage}`,
    `--storage-adv-addr=127.0.0.1:${storage}`,
    '--concurrent=10',
  ]);
}

/** Starts Flux's kustomize-controller. When it is ready, resolves with a function that stops it. */
export function startKustomizeController(options: FluxOptions): Promise<() => Promise<void>> {
  const own = ['--concurrent=20', '--http-retry=0', ...asArguments(options.flags)];
  return startController('kustomize-controller', options, own);
}

/** Starts a controller of Flux with flags of its own. When it is ready, resolves with a function that stops it. */
export async function startController(
  name: (typeof PEERS)[number],
  { cluster, dir, eventsAddress, common = {}, leaderElection = false }: FluxOptions,
  own: string[],
): Promise<() => Promise<void>> {
  const [healthPort, metrics] = [await freePort(), await freePort()];
  const command = await buildTool(name);
  const args = [
    `--metrics-addr=127.0.0.1:${metrics}`,
    `--health-addr=127.0.0.1:${healthPort}`,
    ...(eventsAddress === undefined ? [] : [`--events-addr=${eventsAddress}`]),
    ...asArguments(common),
    ...own,
    ...(leaderElection ? ['--enable-leader-election'] : []),
  ];
  return startProgram({
    name,
    ...(leaderElection ? inPodOf(FLUX_NAMESPACE, command, args) : { command, args }),
    env: { KUBECONFIG: cluster.kubeconfig, RUNTIME_NAMESPACE: FLUX_NAMESPACE },
    healthPort,
    log: join(dir, `${name}.log`),
  });
}

export function asArguments(flags: Record<string, string>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

/**
 * Installs the CRDs of the chart, and CRDs without a schema for the other kinds that Flux's controllers watch. `file` may
 * contain CRDs that are used in place of the latter.
 */
export async function installDefinitions(client: KubeClient, file?: string): Promise<void> {
  const paths = [
    ...globSync('*.yaml', { cwd: STUBS }).map((name) => join(STUBS, name)),
    ...(file === undefined ? [] : [file]),
    ...globSync('*.yaml', { cwd: CHART_CRDS }).map((name) => join(CHART_CRDS, name)),
  ];
  const definitions = new Map<string, KubeObject>();
  for (const path of paths) {
    await access(path);
    for (const document of parseAllDocuments(await readFile(path, 'utf8'))) {
      const object = document.toJS() as KubeObject | null;
      if (object?.kind === 'CustomResourceDefinition')
        definitions.set(object.metadata.name, object);
    }
  }
  for (const definition of definitions.values()) {
    const how = { fieldManager: 'conformance', force: true };
    await client.apply(CustomResourceDefinition, definition, how);
  }
}

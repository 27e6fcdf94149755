// The two systems that fixtures are played against: Flux's controllers, and Weir.

import { globSync } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, freePort } from '@weir/cluster';
import { CustomResourceDefinition, type KubeClient, type KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import { startProgram } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');
const CHART_CRDS = join(ROOT, 'charts/weir/crds');
const STUBS = join(import.meta.dirname, 'crds');
const FLUX_NAMESPACE = 'flux-system';

export type SystemName = 'flux' | 'weir';

export interface SystemOptions {
  cluster: Cluster;
  /** Folder for logs and caches. */
  dir: string;
  /** Flags of the kustomize side. */
  flags: Record<string, string>;
}

/** Starts a system; resolves, when it is ready, with what stops it. */
export function startSystem(
  name: SystemName,
  options: SystemOptions,
): Promise<() => Promise<void>> {
  return name === 'flux' ? startFlux(options) : startWeir(options);
}

async function startWeir({ cluster, dir, flags }: SystemOptions): Promise<() => Promise<void>> {
  const [healthPort, artifactPort] = [await freePort(), await freePort()];
  // Bases from elsewhere are never fetched, so there is no flag that forbids them.
  const { 'no-remote-bases': _, ...understood } = flags;
  return startProgram({
    name: 'weir',
    command: process.execPath,
    args: [
      join(ROOT, 'services/run.ts'),
      'source',
      'kustomize',
      '--service-accounts',
      `--health-port=${healthPort}`,
      `--artifact-port=${artifactPort}`,
      `--artifact-address=127.0.0.1:${artifactPort}`,
      `--storage-dir=${join(dir, 'weir')}`,
      ...asArguments(understood),
    ],
    env: cluster.env,
    healthPort,
    log: join(dir, 'weir.log'),
  });
}

async function startFlux({ cluster, dir, flags }: SystemOptions): Promise<() => Promise<void>> {
  const bin = process.env.PEER_BIN;
  if (!bin) throw new Error('PEER_BIN names no folder: recording needs the controllers of Flux');
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  const [storage = 0, sourceHealth = 0, sourceMetrics = 0, health = 0, metrics = 0] = ports;
  const storagePath = join(dir, 'source-controller');
  await mkdir(storagePath, { recursive: true });
  const env = { KUBECONFIG: cluster.kubeconfig, RUNTIME_NAMESPACE: FLUX_NAMESPACE };
  const stopSource = await startProgram({
    name: 'source-controller',
    command: join(bin, 'source-controller'),
    args: [
      `--storage-path=${storagePath}`,
      `--storage-addr=127.0.0.1:${storage}`,
      `--storage-adv-addr=127.0.0.1:${storage}`,
      `--metrics-addr=127.0.0.1:${sourceMetrics}`,
      `--health-addr=127.0.0.1:${sourceHealth}`,
      '--concurrent=10',
    ],
    env,
    healthPort: sourceHealth,
    log: join(dir, 'source-controller.log'),
  });
  const stopKustomize = await startProgram({
    name: 'kustomize-controller',
    command: join(bin, 'kustomize-controller'),
    args: [
      `--metrics-addr=127.0.0.1:${metrics}`,
      `--health-addr=127.0.0.1:${health}`,
      '--concurrent=20',
      '--http-retry=0',
      ...asArguments(flags),
    ],
    env,
    healthPort: health,
    log: join(dir, 'kustomize-controller.log'),
  });
  return async () => void (await Promise.all([stopKustomize(), stopSource()]));
}

function asArguments(flags: Record<string, string>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

/**
 * Installs the CRDs of the chart and bare ones of the other kinds that Flux's controllers watch. `file` may
 * hold CRDs to use instead of the bare ones.
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

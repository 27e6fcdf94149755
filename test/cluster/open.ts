import { readFile, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { delimiter, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { requestsWith } from './api.ts';
import { type Cluster, type ClusterOptions, type KubernetesAccess, launch } from './cluster.ts';

/**
 * Like `startCluster`, but uses the servers that the environment names: the current context of `KUBECONFIG` and the server
 * of `NATS_URL`. Only the other parts are started, and only these can be stopped and restarted.
 */
export async function openCluster(
  options: ClusterOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<Cluster> {
  const { KUBECONFIG: paths, NATS_URL: natsUrl } = env;
  return launch(options, {
    ...(paths ? { kubernetes: (dir: string) => givenKubernetes(paths, dir) } : {}),
    ...(natsUrl ? { natsUrl } : {}),
  });
}

async function givenKubernetes(paths: string, dir: string): Promise<KubernetesAccess> {
  const files = paths.split(delimiter).filter((path) => path !== '');
  const config = await loadConfig(files);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`KUBECONFIG=${paths} has no current context with a cluster`);
  const { server, caData, caFile } = cluster;
  const ca = caData
    ? Buffer.from(caData, 'base64').toString()
    : caFile
      ? await readFile(caFile, 'utf8')
      : '';
  const request = requestsWith(server, async () => {
    const options: RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(options);
    return options;
  });
  return { kubeconfig: await singleFile(files, config, dir), server, ca, request };
}

/** Merges several kubeconfig files into one, because not every program accepts a list of files. */
async function singleFile(files: string[], config: KubeConfig, dir: string): Promise<string> {
  const [only, ...more] = files;
  if (only !== undefined && more.length === 0) return resolve(only);
  const path = join(dir, 'given.kubeconfig');
  await writeFile(path, config.exportConfig(), { mode: 0o600 });
  return path;
}

/** Loads kubeconfig files as `kubectl` does: the first file that sets a value wins. */
async function loadConfig(files: string[]): Promise<KubeConfig> {
  // This import takes half a second and 70 MB, so it is loaded only here.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const load = (file: string): KubeConfig => {
    const config = new KubeConfig();
    config.loadFromFile(file);
    return config;
  };
  const [first = new KubeConfig(), ...more] = files.map(load);
  for (const config of more) first.mergeConfig(config, true);
  return first;
}

// The chart's containers as processes: with its arguments, under its service accounts, and logged in to NATS with its
// passwords and permissions. Ports and addresses are those of this machine; everything else is as in the pod.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Cluster, freePort, startCluster } from '@weir/cluster';
import {
  CHART,
  find,
  helm,
  NAMESPACE,
  natsAuthorization,
  PASSWORDS,
  render,
  SERVICES,
  workloads,
} from './testing.ts';

const ENTRY = join(CHART, '../../services/host/run.ts');
const STOP_MS = 30_000;

export interface Release {
  cluster: Cluster;
  /** What a service has written so far. */
  output(service: string): string;
  /** Ends the services gracefully, as when a pod is deleted. */
  stop(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Installs the chart with these values into a cluster of its own with an audit log, and runs its containers. */
export async function startRelease(...values: string[]): Promise<Release> {
  const natsConfig = await natsAuthorization();
  const cluster = await startCluster({
    nodes: 0,
    kubectl: true,
    audit: true,
    tools: ['helm'],
    natsConfig,
  });
  const outputs = new Map<string, string>();
  const processes: ChildProcess[] = [];
  const stop = async () => void (await Promise.all(processes.map(ended)));
  try {
    const install = ['install', 'weir', CHART, '--namespace', NAMESPACE, '--create-namespace'];
    const sets = values.map((value) => `--set=${value}`);
    const { code, stderr } = await helm([...install, ...sets], cluster.env);
    assert.equal(code, 0, stderr);
    const manifests = await render(...values);
    await Promise.all(
      SERVICES.map(async (name) => {
        const [deployment] = workloads([find(manifests, 'Deployment', `weir-${name}`)]);
        const args = await argumentsHere(deployment?.spec.template.spec.containers[0]?.args ?? []);
        const env = await environmentHere(cluster, name);
        const child = spawn(process.execPath, [ENTRY, ...args], { env, stdio: 'pipe' });
        const collect = (chunk: Buffer) => outputs.set(name, `${outputs.get(name) ?? ''}${chunk}`);
        child.stdout.on('data', collect);
        child.stderr.on('data', collect);
        processes.push(child);
      }),
    );
  } catch (error) {
    await stop();
    await cluster.close();
    throw error;
  }
  return {
    cluster,
    output: (service) => outputs.get(service) ?? '',
    stop,
    close: async () => {
      await stop();
      await cluster.close();
    },
  };
}

async function environmentHere(cluster: Cluster, service: string): Promise<NodeJS.ProcessEnv> {
  const login = `${service}:${PASSWORDS[service]}@`;
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    KUBECONFIG: await cluster.kubeconfigFor(`${NAMESPACE}/weir-${service}`),
    NATS_URL: cluster.natsUrl.replace('://', `://${login}`),
    POD_NAME: `weir-${service}-0`,
    // The Git server and the receiver of these tests are on this machine.
    WEIR_ALLOW_LOCAL_ADDRESSES: 'true',
  };
}

async function argumentsHere(args: readonly string[]): Promise<string[]> {
  const port = await freePort();
  const own: Record<string, string> = {
    '--health-port': '0',
    '--events-port': '0',
    '--receiver-port': '0',
    '--artifact-port': String(port),
    '--artifact-address': `127.0.0.1:${port}`,
    '--runtime-namespace': NAMESPACE,
  };
  const here = args.map((arg) => {
    const [flag = ''] = arg.split('=');
    return own[flag] === undefined ? arg : `${flag}=${own[flag]}`;
  });
  return [...here, '--allow-local-addresses'];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(timer);
}

// The containers of the chart as processes: with its arguments, under its service accounts, logged in to NATS
// with its passwords and permissions. What a commit needs on its way to an alert, the chart must allow.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type Cluster,
  freePort,
  type GitServer,
  type Receiver,
  startCluster,
  startGitServer,
  startReceiver,
  until,
} from '@weir/cluster';
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

describe('the containers of the chart', () => {
  let cluster: Cluster;
  let git: GitServer;
  let receiver: Receiver;
  const processes = new Map<string, ChildProcess>();
  const output = new Map<string, string>();

  before(async () => {
    const natsConfig = await natsAuthorization();
    cluster = await startCluster({ nodes: 0, kubectl: true, tools: ['helm'], natsConfig });
    git = await startGitServer();
    receiver = await startReceiver();
    const install = ['install', 'weir', CHART, '--namespace', NAMESPACE, '--create-namespace'];
    const { code, stderr } = await helm(install, cluster.env);
    assert.equal(code, 0, stderr);
    const manifests = await render();
    for (const [name, child] of await startAll(manifests)) processes.set(name, child);
  });

  after(async () => {
    await Promise.all([...processes.values()].map(stop));
    await Promise.all([git?.close(), receiver?.close()]);
    await cluster?.close();
  });

  async function startAll(manifests: Awaited<ReturnType<typeof render>>) {
    return Promise.all(
      SERVICES.map(async (name): Promise<[string, ChildProcess]> => {
        const [deployment] = workloads([find(manifests, 'Deployment', `weir-${name}`)]);
        const args = await argumentsHere(deployment?.spec.template.spec.containers[0]?.args ?? []);
        const login = `${name}:${PASSWORDS[name]}@`;
        const env = {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          KUBECONFIG: await cluster.kubeconfigFor(`${NAMESPACE}/weir-${name}`),
          NATS_URL: cluster.natsUrl.replace('://', `://${login}`),
          POD_NAME: `weir-${name}-0`,
        };
        const child = spawn(process.execPath, [ENTRY, ...args], { env, stdio: 'pipe' });
        const collect = (chunk: Buffer) => output.set(name, `${output.get(name) ?? ''}${chunk}`);
        child.stdout.on('data', collect);
        child.stderr.on('data', collect);
        return [name, child];
      }),
    );
  }

  for (const name of SERVICES) {
    it(`get ready: ${name}`, async () => {
      await until(() => output.get(name)?.includes(`ready: ${name}\n`), {
        timeoutMs: 120_000,
        message: `${name} to be ready`,
      });
    });
  }

  it('carry a commit to the cluster and an alert to its receiver', async () => {
    const repository = await git.createRepository('app');
    await repository.commit({ 'app/configmap.yaml': manifest('v1', 'ConfigMap', 'app') });
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], {
      input: [
        manifest('source.toolkit.fluxcd.io/v1', 'GitRepository', 'app', {
          url: repository.url,
          interval: '1h',
          ref: { branch: 'main' },
        }),
        manifest('notification.toolkit.fluxcd.io/v1beta3', 'Provider', 'chat', {
          type: 'generic',
          address: receiver.url,
        }),
        manifest('notification.toolkit.fluxcd.io/v1beta3', 'Alert', 'all', {
          providerRef: { name: 'chat' },
          eventSources: [{ kind: 'Kustomization', name: '*' }],
        }),
        manifest('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', 'app', {
          sourceRef: { kind: 'GitRepository', name: 'app' },
          path: './app',
          interval: '1h',
          prune: true,
          targetNamespace: 'default',
        }),
      ].join('\n---\n'),
    });
    assert.equal(code, 0, stderr);
    for (const object of ['gitrepository/app', 'kustomization/app']) {
      const ready = await cluster.kubectl([
        'wait',
        '--for=condition=Ready',
        '--timeout=60s',
        object,
      ]);
      assert.equal(ready.code, 0, `${ready.stderr}\n${log('source')}\n${log('kustomize')}`);
    }
    await cluster.request('GET', '/api/v1/namespaces/default/configmaps/app');
    await until(
      () => receiver.requests().some(({ body }) => body.includes('ReconciliationSucceeded')),
      {
        timeoutMs: 30_000,
        message: `the alert to arrive; ${log('notification')}`,
      },
    );
  });

  it('were never refused by Kubernetes or NATS', () => {
    const refused = /forbidden|permissions violation/i;
    for (const name of SERVICES) assert.doesNotMatch(output.get(name) ?? '', refused);
  });

  /** The last lines that a service wrote. */
  function log(name: string): string {
    return `${name}: ${(output.get(name) ?? '').slice(-4_000)}`;
  }
});

/** Ports and addresses are the machine's here; everything else is as in the pod. */
async function argumentsHere(args: readonly string[]): Promise<string[]> {
  const port = await freePort();
  const own: Record<string, string> = {
    '--health-port': '0',
    '--artifact-port': String(port),
    '--artifact-address': `127.0.0.1:${port}`,
    '--runtime-namespace': NAMESPACE,
  };
  return args.map((arg) => {
    const [flag = ''] = arg.split('=');
    return own[flag] === undefined ? arg : `${flag}=${own[flag]}`;
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

function manifest(apiVersion: string, kind: string, name: string, spec?: object): string {
  const metadata = { name, ...(spec && { namespace: 'default' }) };
  return JSON.stringify({ apiVersion, kind, metadata, ...(spec && { spec }) });
}

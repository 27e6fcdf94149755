// What the test runs in: a cluster, a Git server, a receiver of alerts, and processes for each service.
import { readFile } from 'node:fs/promises';
import { Kustomization } from '@weir/api';
import { type GitServerRepository, type Receiver, until } from '@weir/cluster';
import type { FluxEvent } from '@weir/events';
import {
  gitRepository,
  kustomization,
  readyOf,
  recordEventsOf,
  startWeir,
  type WeirProcess,
} from '@weir/kit';
import type { KubeClient, KubeObject } from '@weir/kube';
import { NAMESPACE } from './model.ts';

const NOTIFICATIONS = 'notification.toolkit.fluxcd.io/v1beta3';
/** The service of each process. kustomize has two, so that objects move to the other one when one ends. */
const ROLES = ['source', 'kustomize', 'kustomize', 'notification'];

export interface Environment {
  client: KubeClient;
  repository: GitServerRepository;
  chat: Receiver;
  /** The events that were published over NATS, by the id of their CloudEvent. */
  events: ReadonlyMap<string, FluxEvent>;
  /** One process for each role. It is replaced when it is started again. */
  processes: WeirProcess[];
  /** Starts a new process in place of one that has ended. */
  restart(index: number): Promise<void>;
  role(index: number): string;
  /** Waits until each Kustomization is Ready at this commit. */
  settled(commit: string, timeoutMs: number): Promise<void>;
  /** The resident memory of each process, as text. */
  memory(): Promise<string>;
}

export async function startEnvironment(
  started: AsyncDisposableStack,
  { apps, keep }: { apps: number; keep: boolean },
): Promise<Environment> {
  const weir = await startWeir(started, {
    processes: [],
    env: { LOG_LEVEL: 'info' },
    flags: ['--lease-duration=5s', '--artifact-port=0'],
    cluster: { nodes: 0 },
    keep,
  });
  if (keep) console.log(`logs: ${weir.dir}`);
  const { client, chat } = weir;
  let starts = 0;
  const startOne = (role: string): Promise<WeirProcess> =>
    weir.start([role], { name: `${role}-${starts++}` });
  const processes: WeirProcess[] = [];
  for (const role of ROLES) processes.push(await startOne(role));

  const events = new Map<string, FluxEvent>();
  await recordEventsOf(started, weir.cluster.natsUrl, ({ id, event }) => events.set(id, event));
  const repository = await weir.repository('apps');
  await weir.namespace(NAMESPACE);
  await weir.apply(
    // The Alert is created before the sources, because events before an Alert exists are delivered to nobody.
    ...alerting(chat.url),
    gitRepository(NAMESPACE, 'apps', repository.url, { interval: '1s' }),
    ...Array.from({ length: apps }, (_, index) => appOf(index)),
  );
  const role = (index: number) => ROLES[index] ?? '';
  return {
    client,
    repository,
    chat,
    events,
    processes,
    role,
    async restart(index) {
      processes[index] = await startOne(role(index));
    },
    settled: (commit, timeoutMs) => settled(client, { commit, apps, timeoutMs }),
    async memory() {
      const each = processes.map(
        async ({ pid }, index) => `${role(index)} ${await megabytes(pid)}`,
      );
      return (await Promise.all(each)).join(', ');
    },
  };
}

/** A third of the Kustomizations wait for health, and another third depend on the one before. */
function appOf(index: number): KubeObject {
  const spec: Record<string, unknown> = { retryInterval: '2s', path: `./app-${index}` };
  if (index % 3 === 1) spec.wait = true;
  if (index % 3 === 2) spec.dependsOn = [{ name: `app-${index - 1}` }];
  return kustomization(NAMESPACE, `app-${index}`, 'apps', spec);
}

function alerting(receiver: string): KubeObject[] {
  const metadata = { namespace: NAMESPACE, name: 'chat' };
  const eventSources = ['GitRepository', 'Kustomization'].map((kind) => ({ kind, name: '*' }));
  return [
    {
      apiVersion: NOTIFICATIONS,
      kind: 'Provider',
      metadata,
      spec: { type: 'generic', address: `${receiver}/events` },
    },
    {
      apiVersion: NOTIFICATIONS,
      kind: 'Alert',
      metadata,
      spec: { providerRef: { name: 'chat' }, eventSources },
    },
  ];
}

async function settled(
  client: KubeClient,
  { commit, apps, timeoutMs }: { commit: string; apps: number; timeoutMs: number },
): Promise<void> {
  let late: string[] = [];
  await until(
    async () => {
      const { items } = await client.list<KubeObject>(Kustomization, { namespace: NAMESPACE });
      late = items.flatMap((item) => {
        const ready = readyOf(item);
        const there = ready?.status === 'True' && ready.message.includes(commit);
        return there ? [] : `${item.metadata.name}: ${ready?.message ?? 'no condition'}`;
      });
      return items.length === apps && late.length === 0;
    },
    { timeoutMs, message: `all apps at ${commit}` },
  ).catch((cause: unknown) => {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${late.join('\n')}`, {
      cause,
    });
  });
}

async function megabytes(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
  return `${Math.round(Number(kib) / 1024)} MB`;
}

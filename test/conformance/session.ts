// One cluster, one Git server, and fixtures that are played in it against one system, many at a time.
import { mkdir } from 'node:fs/promises';
import { Kustomization } from '@weir/api';
import { type Cluster, type GitServer, startCluster, startGitServer } from '@weir/cluster';
import { connectKube, type KubeClient } from '@weir/kube';
import type { Fixture } from './fixture.ts';
import { FLAGS } from './flags.ts';
import { type Listener, listenToPosts, listenToStream } from './listen.ts';
import { installDefinitions, type SystemName, startSystem } from './systems.ts';

export interface SessionSettings {
  /** Fixtures at a time. */
  concurrency: number;
  /** Folder for logs and caches. */
  dir: string;
  /** CRDs to use instead of bare ones. */
  crds?: string;
}

export interface SessionOptions extends SessionSettings {
  system: SystemName;
  fixtures: readonly Fixture[];
  each(fixture: Fixture, setting: Setting): Promise<void>;
}

/** Where fixtures are played. */
export interface Setting {
  client: KubeClient;
  git: GitServer;
  listener: Listener;
}

/** Plays all fixtures, those that want the same flags together; the system is started anew for others. */
export async function runSession(options: SessionOptions): Promise<void> {
  const started = new AsyncDisposableStack();
  try {
    await play(options, started);
  } finally {
    await started.disposeAsync();
  }
}

async function play(options: SessionOptions, started: AsyncDisposableStack): Promise<void> {
  const { system, fixtures, dir, crds } = options;
  await mkdir(dir, { recursive: true });
  const cluster = await startCluster({ nodes: 1, nats: system === 'weir', logDir: dir });
  started.defer(() => cluster.close());
  const git = await startGitServer();
  started.defer(() => git.close());
  const client = connectKube({ kubeconfig: cluster.kubeconfig });
  started.defer(() => client.close());
  await installDefinitions(client, crds);
  const { listener, ...target } = await listenTo(system, cluster);
  started.defer(() => listener.close());

  for (const [name, flags] of Object.entries(FLAGS)) {
    const chosen = longestFirst(fixtures.filter((fixture) => fixture.flags === name));
    if (chosen.length === 0) continue;
    const stop = await startSystem(system, { cluster, dir, flags, ...target });
    try {
      await inParallel(chosen, options.concurrency, (fixture) =>
        options.each(fixture, { client, git, listener }),
      );
    } finally {
      await stop();
    }
    await retire(client);
  }
}

async function listenTo(
  system: SystemName,
  cluster: Cluster,
): Promise<{ listener: Listener; eventsAddress?: string }> {
  if (system === 'weir') return { listener: await listenToStream(cluster.natsUrl) };
  const listener = await listenToPosts();
  return { listener, eventsAddress: listener.address };
}

/** Nothing that was played under other flags is reconciled again. */
async function retire(client: KubeClient): Promise<void> {
  const { items } = await client.list<Kustomization>(Kustomization);
  for (const { metadata } of items) {
    const { name, namespace = '' } = metadata;
    const how = { kind: 'merge', fieldManager: 'conformance' } as const;
    await client.patch(Kustomization, { name, namespace }, { spec: { suspend: true } }, how);
  }
}

/** Those that wait for the end of a health check take half a minute; all others run beside them. */
function longestFirst(fixtures: readonly Fixture[]): Fixture[] {
  const isLong = ({ steps }: Fixture) =>
    steps.some((step) => 'wait' in step && step.wait === 'HealthCheckFailed');
  return [...fixtures].sort((a, b) => Number(isLong(b)) - Number(isLong(a)));
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

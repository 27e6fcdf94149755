// A session: one cluster and one Git server, in which fixtures are played against one system, several at a time.
import { mkdir } from 'node:fs/promises';
import { Kustomization } from '@weir/api';
import { mapBounded } from '@weir/async';
import { type Cluster, type GitServer, startCluster, startGitServer } from '@weir/cluster';
import { type RemoteCluster, startRemoteCluster } from '@weir/kit';
import { connectKube, type KubeClient } from '@weir/kube';
import { type Listener, listenToPosts, listenToStream } from './events.ts';
import type { Fixture } from './fixture.ts';
import { FLAGS } from './flags.ts';
import { installDefinitions, type SystemName, startSystem } from './systems.ts';

export interface SessionSettings {
  /** The number of fixtures that are played at the same time. */
  concurrency: number;
  /** The folder for logs and caches. */
  dir: string;
  /** A file with CRDs that are used in place of those without a schema. */
  crds?: string;
}

export interface SessionOptions extends SessionSettings {
  system: SystemName;
  fixtures: readonly Fixture[];
  each(fixture: Fixture, environment: SessionEnvironment): Promise<void>;
}

/** The clusters that fixtures lead to: the one that the system runs in, and a second one where a fixture needs it. */
export interface Places {
  home: Cluster;
  remote?: RemoteCluster;
}

/** What fixtures are played in. */
export interface SessionEnvironment {
  client: KubeClient;
  git: GitServer;
  listener: Listener;
  places: Places;
}

/** Plays all fixtures. Those with the same flags are played together; for other flags the system is started again. */
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
  const places: Places = { home: cluster };
  if (fixtures.some(({ remote }) => remote)) {
    const remote = await startRemoteCluster();
    started.defer(() => remote.close());
    places.remote = remote;
  }
  const { listener, ...target } = await listenTo(system, cluster);
  started.defer(() => listener.close());

  for (const [name, flags] of Object.entries(FLAGS)) {
    const chosen = longestFirst(fixtures.filter((fixture) => fixture.flags === name));
    if (chosen.length === 0) continue;
    const stop = await startSystem(system, { cluster, dir, flags, ...target });
    try {
      await mapBounded(chosen, options.concurrency, (fixture) =>
        options.each(fixture, { client, git, listener, places }),
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

/** Suspends the Kustomizations of earlier fixtures, so that they are not reconciled under other flags. */
async function retire(client: KubeClient): Promise<void> {
  const { items } = await client.list<Kustomization>(Kustomization);
  for (const { metadata } of items) {
    const { name, namespace = '' } = metadata;
    const how = { kind: 'merge', fieldManager: 'conformance' } as const;
    await client.patch(Kustomization, { name, namespace }, { spec: { suspend: true } }, how);
  }
}

/** Puts fixtures that wait for a failing health check, which takes half a minute, first, so that others run meanwhile. */
function longestFirst(fixtures: readonly Fixture[]): Fixture[] {
  const isLong = ({ steps }: Fixture) =>
    steps.some((step) => 'wait' in step && step.wait === 'HealthCheckFailed');
  return [...fixtures].sort((a, b) => Number(isLong(b)) - Number(isLong(a)));
}

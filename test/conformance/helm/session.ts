// A session: one cluster, a Git server and a chart repository, in which fixtures are played, many at a time.
import { mkdir } from 'node:fs/promises';
import { mapBounded } from '@weir/async';
import { makeStreams } from '@weir/bus/testing';
import { startChartRepository, startCluster, startGitServer } from '@weir/cluster';
import { connectKube } from '@weir/kube';
import { installDefinitions, type SystemName } from '../systems.ts';
import type { HelmFixture } from './fixture.ts';
import type { HelmEnvironment } from './run-state.ts';
import { startHelmSystem } from './systems.ts';

export interface HelmSession {
  system: SystemName;
  fixtures: readonly HelmFixture[];
  /** The number of fixtures that are played at the same time. */
  concurrency: number;
  /** The folder for logs and caches. */
  dir: string;
  /** A file with CRDs that are used in place of Weir's. */
  crds?: string;
  each(fixture: HelmFixture, environment: HelmEnvironment): Promise<void>;
}

export async function runHelmSession(session: HelmSession): Promise<void> {
  const started = new AsyncDisposableStack();
  try {
    await play(session, started);
  } finally {
    await started.disposeAsync();
  }
}

async function play(session: HelmSession, started: AsyncDisposableStack): Promise<void> {
  const { system, fixtures, concurrency, dir, crds, each } = session;
  await mkdir(dir, { recursive: true });
  const own = <T extends { close(): Promise<void> }>(it: T): T =>
    started.adopt(it, (part) => part.close());
  const cluster = own(await startCluster({ nodes: 1, nats: system === 'weir', logDir: dir }));
  const git = own(await startGitServer());
  const charts = own(await startChartRepository());
  const client = own(connectKube({ kubeconfig: cluster.kubeconfig }));
  await installDefinitions(client, crds);
  // The service that owns the stream of events does not run here, and without the stream nobody publishes.
  if (system === 'weir') started.defer(await makeStreams(cluster.natsUrl, ['weir-events']));
  started.defer(await startHelmSystem(system, { cluster, dir, flags: {} }));
  await mapBounded(longestFirst(fixtures), concurrency, (it) => each(it, { client, git, charts }));
}

/** Puts fixtures with the most steps and the longest waits first, so that none of them ends alone. */
function longestFirst(fixtures: readonly HelmFixture[]): HelmFixture[] {
  const lengthOf = ({ timeoutMs = 0, quietMs = 0, steps = [], until }: HelmFixture) =>
    timeoutMs + quietMs * 3 + steps.length * 10_000 + (until === undefined ? 0 : 10_000);
  return [...fixtures].sort((a, b) => lengthOf(b) - lengthOf(a));
}

// The state that the steps of a fixture share while it is played.
import type { ChartRepository, GitServer, GitServerRepository } from '@weir/cluster';
import type { KubeClient } from '@weir/kube';
import type { PublishedCharts } from './charts.ts';
import type { HelmFixture } from './fixture.ts';

/** The field manager of changes by hand. */
export const HAND = 'hand';

/** How long a step waits at most, and how often it looks, in ms. */
export const WAIT = { timeoutMs: 90_000, intervalMs: 150 };

/** What fixtures are played in. */
export interface HelmEnvironment {
  client: KubeClient;
  git: GitServer;
  charts: ChartRepository;
}

export interface HelmRun extends HelmEnvironment {
  fixture: HelmFixture;
  published: PublishedCharts;
  repository?: GitServerRepository;
  requestCount: number;
  commitCount: number;
  snapshot(label: string): Promise<void>;
}

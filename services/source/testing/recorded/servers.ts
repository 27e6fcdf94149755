// All servers that the recorded cases speak of.
import { startGitServer } from '@weir/cluster';
import { type Buckets, startBuckets } from './buckets.ts';
import { type ChartRepositories, startChartRepositories } from './chart-repositories.ts';
import { type GitBranches, gitBranches } from './git.ts';
import { type Registries, startRegistries } from './registries.ts';

export interface Servers {
  /** The placeholders for the servers and their credentials in a case. */
  standIns: Record<string, string>;
  registries: Registries;
  buckets: Buckets;
  charts: ChartRepositories;
  git: GitBranches;
}

/** Starts all of them; they end with the stack. */
export async function startServers(stack: AsyncDisposableStack): Promise<Servers> {
  const gitServer = stack.adopt(await startGitServer(), (it) => it.close());
  const git = gitBranches(gitServer);
  const charts = await startChartRepositories(stack);
  const registries = await startRegistries(stack);
  const buckets = await startBuckets(stack);
  const parts = { registries, buckets, charts, git };
  const standIns: Record<string, string> = Object.assign(
    {},
    ...Object.values(parts).map((it) => it.standIns),
  );
  // The servers have authorities of their own; a case trusts all of them.
  standIns.CA = `${registries.standIns.CA}\n${charts.standIns.HELMCA}`;
  return { ...parts, standIns };
}

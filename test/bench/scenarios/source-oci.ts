// What it costs to look at tags of a registry that don't change.
import { OCIRepository } from '@weir/api';
import { type Front, startFront, startRegistry } from '@weir/cluster';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import { named, pushMany, whileIdle, withServers, withSources } from '../sources.ts';
import type { Trial } from '../trial.ts';

const SOURCES = 500;
const INTERVAL = '10s';

export const sourceApart = scenario('source-apart', SOURCES);
export const sourceAlike = scenario('source-alike', SOURCES / 10);

function scenario(name: string, different: number): OwnScenario {
  const about = `${SOURCES} OCIRepositories of ${different} tags, unchanged, every ${INTERVAL}`;
  return {
    ...{ kind: 'own', name, about, runs: 'sources' },
    sizes: () => [SOURCES],
    run: (trial) =>
      withServers(async (own) => {
        const registry = own(await startRegistry());
        const front = own(await startFront(registry.url));
        trial.progress(`${different} artifacts in a registry`);
        await pushMany(
          registry,
          named(different, 'app', (index) => `index: ${index}\n`),
        );
        const specs = named(SOURCES, 'source', (index) => ({
          ...{ interval: INTERVAL, timeout: '60s', insecure: true, ref: { tag: 'v1' } },
          url: `oci://${front.host}/app-${index % different}`,
        }));
        return withSources(trial, OCIRepository, specs, async ({ readyMs }) => [
          await unchanged(trial, { name, about, readyMs, front }),
        ]);
      }),
  };
}

async function unchanged(
  trial: Trial,
  { name, about, readyMs, front }: { name: string; about: string; readyMs: number; front: Front },
): Promise<Measurement> {
  const { idleSeconds } = trial;
  const { requests, spent } = await whileIdle(trial, name, front);
  return {
    id: name,
    name: `${about}: ${requests} requests of the registry in ${idleSeconds} s`,
    apps: SOURCES,
    // The whole time is one unit, so that the CPU time of all of it is shown.
    count: 1,
    unit: `${idleSeconds} s`,
    times: { 'all Ready at first': [readyMs] },
    spent,
  };
}

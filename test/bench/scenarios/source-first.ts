// How long it takes to have many artifacts of a registry for the first time.
import { OCIRepository } from '@weir/api';
import { startFront, startRegistry } from '@weir/cluster';
import { spentOn } from '../measure/window.ts';
import type { OwnScenario } from '../scenario.ts';
import { formatBytes, named, pushMany, sumOf, withServers, withSources } from '../sources.ts';

const SOURCES = 100;
/** Bytes of a file of each artifact: random hexadecimal digits, which take half of that when they are packed. */
const BYTES = 100 * 1024;
const MAX_ROUNDS = 3;

export const sourceFirst: OwnScenario = {
  kind: 'own',
  name: 'source-first',
  about: `the first fetch of ${SOURCES} OCIRepositories of ${formatBytes(BYTES / 2)} each`,
  runs: 'sources',
  sizes: () => [SOURCES],
  run: (trial) =>
    withServers(async (own) => {
      const registry = own(await startRegistry());
      const front = own(await startFront(registry.url));
      const rounds = Math.min(trial.rounds, MAX_ROUNDS);
      const round = (index: number) => `round-${index}`;
      // Whoever has fetched a digest may remember it, so every round has artifacts of its own.
      for (let index = 0; index < rounds; index++) {
        trial.progress(`${SOURCES} artifacts in a registry, ${index + 1} of ${rounds} times`);
        await pushMany(
          registry,
          named(SOURCES, round(index), (n) => `${index} ${n}\n`),
          BYTES,
        );
      }
      const times: number[] = [];
      const { spent } = await spentOn(trial, async () => {
        for (let index = 0; index < rounds; index++) {
          const specs = named(SOURCES, round(index), (n) => ({
            ...{ interval: '1h', timeout: '60s', insecure: true, ref: { tag: 'v1' } },
            url: `oci://${front.host}/${round(index)}-${n}`,
          }));
          await withSources(trial, OCIRepository, specs, async ({ readyMs }) =>
            times.push(readyMs),
          );
        }
      });
      const each = rounds * SOURCES;
      const requests = front.requests().length / each;
      const bytes = sumOf(front.requests().map((it) => it.bytes)) / each;
      const remote = `${requests.toFixed(1)} requests and ${formatBytes(bytes)} of the registry each`;
      return [
        {
          ...{ id: 'source-first', name: `${sourceFirst.about}, and their end: ${remote}` },
          ...{ apps: SOURCES, count: each, unit: 'source', times: { 'all Ready': times }, spent },
        },
      ];
    }),
};

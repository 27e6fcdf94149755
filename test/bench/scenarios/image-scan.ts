// What it costs to list the tags of many images at an interval.
import { setTimeout as delay } from 'node:timers/promises';
import { ImageRepository } from '@weir/api';
import { startTagRegistry, type TagRegistry } from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import { follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { allReady, imageRepository, TIMEOUT_MS } from './image-objects.ts';

const REPOSITORIES = 100;
const TAGS = 200;
const INTERVAL = '10s';

export const imageScan: OwnScenario = {
  kind: 'own',
  name: 'image-scan',
  about: `scans of ${REPOSITORIES} images every ${INTERVAL}, all different and of ten images`,
  runs: 'scans',
  sizes: () => [REPOSITORIES],
  async run(trial) {
    const registry = await startTagRegistry();
    try {
      const apart = await scanAtInterval(trial, registry, 'apart', REPOSITORIES);
      const alike = await scanAtInterval(trial, registry, 'alike', REPOSITORIES / 10);
      return [apart, alike];
    } finally {
      await registry.close();
    }
  },
};

/** All ImageRepositories for as long as nothing else happens. */
async function scanAtInterval(
  trial: Trial,
  registry: TagRegistry,
  id: string,
  different: number,
): Promise<Measurement> {
  const { environment, idleSeconds, progress } = trial;
  const { namespace, client } = environment;
  const names = Array.from({ length: REPOSITORIES }, (_, index) => `${id}-${index}`);
  const tags = Array.from({ length: TAGS }, (_, index) => `1.${index}.0`);
  const followed = follow<KubeObject>(client, ImageRepository, namespace);
  try {
    progress(`${REPOSITORIES} ImageRepositories of ${different} images`);
    const ready = followed.when(allReady(names), { timeoutMs: TIMEOUT_MS, message: 'all scans' });
    for (const [index, name] of names.entries()) {
      const image = `${id}/image-${index % different}`;
      registry.put(image, tags);
      await environment.apply(
        imageRepository(namespace, name, `${registry.host}/${image}`, INTERVAL),
      );
    }
    await ready;
    const { result: requests, spent } = await spentOn(
      trial,
      async () => {
        registry.clear();
        await delay(idleSeconds * 1_000);
        return registry.requests().length;
      },
      { quietMs: 0, name: `image-${id}` },
    );
    const what = `${REPOSITORIES} ImageRepositories of ${different} images, ${TAGS} tags, every ${INTERVAL}`;
    return {
      id: `image-${id}`,
      name: `${what}: ${requests} requests of the registry in ${idleSeconds} s`,
      apps: REPOSITORIES,
      // The whole time is one unit, so that the CPU time of all of it is shown.
      count: 1,
      unit: `${idleSeconds} s`,
      times: {},
      spent,
    };
  } finally {
    await followed.close();
    for (const name of names) await client.delete(ImageRepository, { namespace, name });
  }
}

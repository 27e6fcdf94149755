// What one image with very many tags costs, from its ImageRepository to the policy that chose one of them.
import { ImagePolicy, ImageRepository } from '@weir/api';
import { startTagRegistry, type TagRegistry } from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { allReady, imagePolicy, imageRepository, TIMEOUT_MS } from './image-objects.ts';

const MANY_TAGS = 100_000;

export const imageTags: OwnScenario = {
  kind: 'own',
  name: 'image-tags',
  about: `the first scan of an image with ${MANY_TAGS} tags, and a semver policy over it`,
  runs: 'scans',
  sizes: () => [1],
  async run(trial) {
    const registry = await startTagRegistry();
    try {
      return [await scanOnce(trial, registry)];
    } finally {
      await registry.close();
    }
  },
};

async function scanOnce(trial: Trial, registry: TagRegistry): Promise<Measurement> {
  const { environment, progress } = trial;
  const { namespace, client } = environment;
  registry.put('few', ['1.0.0']);
  const tags = Array.from({ length: MANY_TAGS }, (_, index) => `1.${index}.0`).sort();
  registry.put('many', tags);
  const repositories = follow<KubeObject>(client, ImageRepository, namespace);
  const policies = follow<KubeObject>(client, ImagePolicy, namespace);
  const scan = async (name: string) => {
    const wait = { timeoutMs: TIMEOUT_MS, message: `the scan of ${name}` };
    const scanned = repositories.when(allReady([name]), wait);
    const chosen = policies.when(allReady([name]), wait);
    const startedAt = now();
    await environment.apply(imageRepository(namespace, name, `${registry.host}/${name}`));
    await environment.apply(imagePolicy(namespace, name));
    return { listedMs: (await scanned) - startedAt, chosenMs: (await chosen) - startedAt };
  };
  try {
    progress('one image, to warm up');
    const idle = await spentOn(trial, () => scan('few'));
    progress(`one image of ${MANY_TAGS} tags`);
    const { result, spent } = await spentOn(trial, () => scan('many'), { name: 'image-tags' });
    const more = Math.round((spent.memoryBytes - idle.spent.memoryBytes) / 1024 ** 2);
    return {
      id: 'image-tags',
      name: `one image of ${MANY_TAGS} tags, and a policy: ${more} MiB more`,
      apps: 1,
      count: 1,
      unit: 'scan',
      times: { 'the tag chosen': [result.chosenMs], 'the tags listed': [result.listedMs] },
      spent,
    };
  } finally {
    await Promise.all([repositories.close(), policies.close()]);
  }
}

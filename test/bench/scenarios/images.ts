// What it costs to list the tags of images: many of them at an interval, and one that has very many.
import { setTimeout as delay } from 'node:timers/promises';
import { type Condition, ImagePolicy, ImageRepository } from '@weir/api';
import { startTagRegistry, type TagRegistry } from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { type Following, follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';

const REPOSITORIES = 100;
const TAGS = 200;
const MANY_TAGS = 100_000;
const INTERVAL = '10s';
const TIMEOUT_MS = 5 * 60_000;
/** An interval that doesn't come while something else is measured. */
const LATER = '12h';

export const images: OwnScenario = {
  kind: 'own',
  name: 'image',
  about: `scans of ${REPOSITORIES} images at an interval, and of one with ${MANY_TAGS} tags`,
  runs: 'images',
  sizes: () => [REPOSITORIES],
  async run(trial) {
    const registry = await startTagRegistry();
    try {
      const many = await scanOne(trial, registry);
      const apart = await scanAtInterval(trial, registry, 'apart', REPOSITORIES);
      const alike = await scanAtInterval(trial, registry, 'alike', REPOSITORIES / 10);
      return [apart, alike, many];
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
      await environment.apply(repositoryOf(namespace, name, `${registry.host}/${image}`, INTERVAL));
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
      count: idleSeconds,
      unit: 's',
      times: {},
      spent,
    };
  } finally {
    await followed.close();
    for (const name of names) await client.delete(ImageRepository, { namespace, name });
  }
}

/** One image with very many tags, from its ImageRepository to the policy that chose one. */
async function scanOne(trial: Trial, registry: TagRegistry): Promise<Measurement> {
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
    await environment.apply(policyOf(namespace, name));
    const image = `${registry.host}/${name}`;
    await environment.apply(repositoryOf(namespace, name, image, LATER));
    return { listedMs: (await scanned) - startedAt, chosenMs: (await chosen) - startedAt };
  };
  try {
    progress('one image, to warm up');
    const idle = await spentOn(trial, () => scan('few'));
    progress(`one image of ${MANY_TAGS} tags`);
    const { result, spent } = await spentOn(trial, () => scan('many'), { name: 'image-many' });
    const more = Math.round((spent.memoryBytes - idle.spent.memoryBytes) / 1024 ** 2);
    return {
      id: 'image-many',
      name: `one image of ${MANY_TAGS} tags, and a policy: ${more} MiB more`,
      apps: REPOSITORIES,
      count: 1,
      unit: 'scan',
      times: { 'the tag chosen': [result.chosenMs], 'the tags listed': [result.listedMs] },
      spent,
    };
  } finally {
    await Promise.all([repositories.close(), policies.close()]);
  }
}

function allReady(names: readonly string[]): Parameters<Following<KubeObject>['when']>[0] {
  return (objects) =>
    names.every((name) => {
      const object = objects.get(name);
      const { conditions = [] } = (object?.status ?? {}) as { conditions?: Condition[] };
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    });
}

function repositoryOf(namespace: string, name: string, image: string, interval: string) {
  const { apiVersion, kind } = ImageRepository;
  return { apiVersion, kind, metadata: { namespace, name }, spec: { image, interval } };
}

function policyOf(namespace: string, name: string) {
  const { apiVersion, kind } = ImagePolicy;
  const spec = { imageRepositoryRef: { name }, policy: { semver: { range: '>=1.0.0' } } };
  return { apiVersion, kind, metadata: { namespace, name }, spec };
}

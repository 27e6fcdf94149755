// The whole circle: a pushed tag becomes a commit, and the commit changes a Deployment.
import { ImageUpdateAutomation, Kustomization } from '@weir/api';
import { startTagRegistry, type TagRegistry } from '@weir/cluster';
import { gitRepository } from '@weir/kit';
import { Deployment, type KubeObject } from '@weir/kube';
import { appFiles, imageOf } from '../app.ts';
import { now } from '../measure/clock.ts';
import { type Following, follow } from '../measure/follow.ts';
import { untilMoved } from '../measure/reference.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { appKustomization, requestReconcile } from '../workload.ts';
import {
  allReady,
  imagePolicy,
  imageRepository,
  imageUpdateAutomation,
  markerOf,
  requestScan,
  TIMEOUT_MS,
} from './image-objects.ts';

const NAME = 'app';
/** Files of the repository beside those of the app. */
const OTHER_FILES = 16;
/** Rounds that don't count, in which caches are filled and code is compiled. */
const WARM_UP_ROUNDS = 3;

export const imageBump: OwnScenario = {
  kind: 'own',
  name: 'image-bump',
  about: 'a pushed tag, from the request of a scan to the commit and to the changed Deployment',
  runs: 'circle',
  sizes: () => [1],
  async run(trial) {
    const registry = await startTagRegistry();
    const { client, namespace } = trial.environment;
    const deployments = follow<KubeObject>(client, Deployment, namespace);
    try {
      return [await measure(trial, registry, deployments)];
    } finally {
      await Promise.all([deployments.close(), registry.close()]);
    }
  },
};

async function measure(
  trial: Trial,
  registry: TagRegistry,
  deployments: Following<KubeObject>,
): Promise<Measurement> {
  const { environment, rounds, progress } = trial;
  const tags = ['1.0.0'];
  registry.put(NAME, tags);
  const image = `${registry.host}/${NAME}`;
  progress('an app, its image, and an automation');
  const dir = await install(trial, image);
  const bump = async () => {
    const tag = `1.${tags.length}.0`;
    tags.push(tag);
    registry.put(NAME, tags);
    const wait = { timeoutMs: TIMEOUT_MS, message: `the Deployment with ${tag}` };
    const changed = deployments.when((objects) => runs(objects.get(NAME), `${image}:${tag}`), wait);
    const committed = untilMoved(dir, 'refs/heads/main', TIMEOUT_MS);
    const startedAt = now();
    await requestScan(environment, NAME);
    const committedAt = await committed;
    // The webhook of a Git server does that.
    await requestReconcile(environment, NAME);
    const changedAt = await changed;
    return { commitMs: committedAt - startedAt, changeMs: changedAt - committedAt };
  };
  progress(`${WARM_UP_ROUNDS} tags to warm up`);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await bump();
  progress(`${rounds} tags`);
  const { result, spent } = await spentOn(
    trial,
    async () => {
      const done: Awaited<ReturnType<typeof bump>>[] = [];
      for (let round = 0; round < rounds; round++) done.push(await bump());
      return done;
    },
    { name: 'image-bump' },
  );
  return {
    id: 'image-bump',
    name: 'a pushed tag',
    apps: 1,
    count: rounds,
    unit: 'tag',
    times: {
      'from the request to the commit': result.map(({ commitMs }) => commitMs),
      'from the commit to the Deployment': result.map(({ changeMs }) => changeMs),
    },
    spent,
  };
}

/** Installs an app whose image an automation sets, and returns the folder of its repository. */
async function install({ environment }: Trial, image: string): Promise<string> {
  const { git, client, namespace } = environment;
  const repository = await git.createRepository(NAME);
  const files = appFiles({ name: NAME, namespace, version: '1.0.0' });
  const path = `${NAME}/deployment.yaml`;
  const marked = `${image}:1.0.0 ${markerOf(namespace, NAME)}`;
  const others = Array.from({ length: OTHER_FILES }, (_, index) => [
    `others/file-${index}.yaml`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other-${index}}\n`,
  ]);
  await repository.commit({
    ...files,
    [path]: (files[path] ?? '').replace(imageOf('1.0.0'), marked),
    ...Object.fromEntries(others),
  });
  const automations = follow<KubeObject>(client, ImageUpdateAutomation, namespace);
  const kustomizations = follow<KubeObject>(client, Kustomization, namespace);
  try {
    await environment.apply(gitRepository(namespace, NAME, repository.url));
    await environment.apply(appKustomization(namespace, NAME, NAME));
    await environment.apply(imageRepository(namespace, NAME, image));
    await environment.apply(imagePolicy(namespace, NAME));
    await environment.apply(imageUpdateAutomation(namespace, NAME));
    const wait = { timeoutMs: TIMEOUT_MS, message: 'the app to be installed' };
    await automations.when(allReady([NAME]), wait);
    await kustomizations.when(allReady([NAME]), wait);
  } finally {
    await Promise.all([automations.close(), kustomizations.close()]);
  }
  return repository.dir;
}

function runs(deployment: KubeObject | undefined, image: string): boolean {
  const { template } = (deployment?.spec ?? {}) as {
    template?: { spec?: { containers?: { image: string }[] } };
  };
  return template?.spec?.containers?.[0]?.image === image;
}

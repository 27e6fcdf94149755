// One new tag for one of many policies whose images are set in a large repository.
import { ImagePolicy, ImageUpdateAutomation } from '@weir/api';
import { type GitServerRepository, startTagRegistry, type TagRegistry } from '@weir/cluster';
import { gitRepository } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { follow } from '../measure/follow.ts';
import { untilMoved } from '../measure/reference.ts';
import { type Spent, spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import { repeat } from '../repeat.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import {
  allReady,
  imagePolicy,
  imageRepository,
  imageUpdateAutomation,
  markerOf,
  requestScan,
  TIMEOUT_MS,
} from './image-objects.ts';

const POLICIES = 200;
const FILES = 5_000;
const NAME = 'monorepo';
const names = Array.from({ length: POLICIES }, (_, index) => `app-${index}`);

export const imageMonorepo: OwnScenario = {
  kind: 'own',
  name: 'image-monorepo',
  about: `one new tag for one of ${POLICIES} policies on a repository of ${FILES} files`,
  runs: 'circle',
  sizes: () => [POLICIES],
  async run(trial) {
    const registry = await startTagRegistry();
    try {
      return await measure(trial, registry);
    } finally {
      await registry.close();
    }
  },
};

async function measure(trial: Trial, registry: TagRegistry): Promise<Measurement[]> {
  const { environment, rounds, progress } = trial;
  progress(`${POLICIES} images and policies, and a repository of ${FILES} files`);
  const repository = await createMonorepo(trial, registry);
  await createPolicies(trial, registry);
  const first = await spentOn(trial, () => firstRun(trial), { name: 'image-monorepo-first' });

  const bump = async (round: number) => {
    const name = names[round % POLICIES] ?? '';
    registry.put(name, ['1.0.0', `1.${round + 1}.0`]);
    const committed = untilMoved(repository.dir, 'refs/heads/main', TIMEOUT_MS);
    const startedAt = now();
    await requestScan(environment, name);
    return (await committed) - startedAt;
  };
  progress('one tag to warm up');
  await bump(0);
  const before = await commitsOf(repository);
  progress(`${rounds} tags at most`);
  const { result, spent } = await spentOn(trial, () => repeat(rounds, (round) => bump(round + 1)), {
    name: 'image-monorepo',
  });
  const commits = (await commitsOf(repository)) - before;
  if (commits !== result.length) {
    throw new Error(`${result.length} tags became ${commits} commits`);
  }
  const what = `${POLICIES} policies on ${FILES} files`;
  return [
    measurementOf('image-monorepo-first', `${what}, the first run`, {
      times: { Ready: [first.result] },
      spent: first.spent,
    }),
    measurementOf('image-monorepo', `${what}, one new tag, one commit`, {
      times: { 'from the request to the commit': result },
      spent,
    }),
  ];
}

function measurementOf(
  id: string,
  name: string,
  { times, spent }: { times: Record<string, number[]>; spent: Spent },
): Measurement {
  const count = Object.values(times)[0]?.length ?? 1;
  return { id, name, apps: POLICIES, count, unit: 'run', times, spent };
}

/** A folder for each app: one file with its image, and others without a marker. */
async function createMonorepo(
  { environment }: Trial,
  registry: TagRegistry,
): Promise<GitServerRepository> {
  const { git, namespace } = environment;
  const repository = await git.createRepository(NAME);
  const files = names.flatMap((name) => {
    const image = `${registry.host}/${name}:1.0.0 ${markerOf(namespace, name)}`;
    const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  template:
    spec:
      containers:
        - name: app
          image: ${image}
`;
    const others = Array.from({ length: FILES / POLICIES - 1 }, (_, index) => [
      `${name}/config-${index}.yaml`,
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}-${index}\ndata:\n  key: value\n`,
    ]);
    return [[`${name}/deployment.yaml`, deployment], ...others];
  });
  await repository.commit(Object.fromEntries(files));
  await environment.apply(gitRepository(namespace, NAME, repository.url));
  return repository;
}

async function createPolicies({ environment }: Trial, registry: TagRegistry): Promise<void> {
  const { client, namespace } = environment;
  const policies = follow<KubeObject>(client, ImagePolicy, namespace);
  try {
    for (const name of names) {
      registry.put(name, ['1.0.0']);
      await environment.apply(imageRepository(namespace, name, `${registry.host}/${name}`));
      await environment.apply(imagePolicy(namespace, name));
    }
    await policies.when(allReady(names), { timeoutMs: TIMEOUT_MS, message: 'all policies' });
  } finally {
    await policies.close();
  }
}

/** How long the first run takes, in ms; nothing is to be changed yet. */
async function firstRun({ environment }: Trial): Promise<number> {
  const { client, namespace } = environment;
  const automations = follow<KubeObject>(client, ImageUpdateAutomation, namespace);
  try {
    const wait = { timeoutMs: TIMEOUT_MS, message: 'the first run' };
    const ready = automations.when(allReady([NAME]), wait);
    const startedAt = now();
    await environment.apply(imageUpdateAutomation(namespace, NAME));
    return (await ready) - startedAt;
  } finally {
    await automations.close();
  }
}

async function commitsOf(repository: GitServerRepository): Promise<number> {
  return Number(await repository.git('rev-list', '--count', 'main'));
}

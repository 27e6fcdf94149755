// The time from a commit and a reconcile request to the changed object, with one app of four objects.
import { setTimeout as delay } from 'node:timers/promises';
import { Kustomization } from '@weir/api';
import { appFiles, gitRepository, kustomization } from '@weir/kit';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { now } from '../measure/clock.ts';
import { type Following, follow } from '../measure/follow.ts';
import { type Step, stepsOf, typicalSteps } from '../measure/steps.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { isReadyAt, requestReconcile } from '../workload.ts';

/** Rounds that don't count, in which caches are filled and code is compiled. */
const WARM_UP_ROUNDS = 5;
const TIMEOUT_MS = 60_000;
const SPANS_TIMEOUT_MS = 3_000;
const SPANS_POLL_MS = 100;
/** The name of the span that ends last in the trace of a round. */
const LAST_SPAN = 'reconcile Kustomization';
const NAME = 'app';

export const commit: OwnScenario = {
  kind: 'own',
  name: 'commit',
  about: 'commits to one app, with the spans of where the time goes',
  sizes: () => [1],
  run,
};

interface Round {
  commit: string;
  /** When the reconcile was requested, after the commit was in the repository. */
  startedAt: number;
  appliedMs: number;
  readyMs: number;
}

async function run(trial: Trial): Promise<Measurement[]> {
  const { environment, rounds, progress } = trial;
  const { client, namespace, collector } = environment;
  const configMaps = follow<KubeObject>(client, ConfigMap, namespace);
  const kustomizations = follow<KubeObject>(client, Kustomization, namespace);
  try {
    const push = await install(trial, kustomizations);
    const round = (number: number) => oneRound(trial, { number, push, configMaps, kustomizations });

    progress(`${WARM_UP_ROUNDS} rounds to warm up`);
    for (let number = 1; number <= WARM_UP_ROUNDS; number++) await round(number);
    collector.clear();
    progress(`${rounds} rounds`);
    const { result, spent } = await spentOn(trial, async () => {
      const done: Round[] = [];
      for (let number = 1; number <= rounds; number++) done.push(await round(100 + number));
      return done;
    });
    const times = {
      'Ready at the revision': result.map(({ readyMs }) => readyMs),
      'the object applied': result.map(({ appliedMs }) => appliedMs),
    };
    const steps = typicalSteps(await stepsOfRounds(trial, result));
    return [
      {
        id: 'commit',
        name: 'commit, one app only',
        apps: 1,
        count: rounds,
        unit: 'commit',
        times,
        spent,
        steps,
      },
    ];
  } finally {
    await Promise.all([configMaps.close(), kustomizations.close()]);
  }
}

/** Installs the app and returns a function that commits a change to it. */
async function install(
  { environment }: Trial,
  kustomizations: Following<KubeObject>,
): Promise<(greeting: string) => Promise<string>> {
  const { git, namespace } = environment;
  const repository = await git.createRepository(NAME);
  const push = (greeting: string) =>
    repository.commit(appFiles(NAME, { namespace, name: NAME, replicas: 0, greeting }));
  const first = await push('first');
  await environment.apply(gitRepository(namespace, NAME, repository.url));
  await environment.apply(kustomization(namespace, NAME, NAME, { path: `./${NAME}`, wait: true }));
  await kustomizations.when((objects) => isReadyAt(objects, NAME, first), {
    timeoutMs: TIMEOUT_MS,
    message: 'the app to be installed',
  });
  return push;
}

async function oneRound(
  { environment }: Trial,
  around: {
    number: number;
    push: (greeting: string) => Promise<string>;
    configMaps: Following<KubeObject>;
    kustomizations: Following<KubeObject>;
  },
): Promise<Round> {
  const { number, push, configMaps, kustomizations } = around;
  const greeting = `round ${number}`;
  const commit = await push(greeting);
  const waiting = { timeoutMs: TIMEOUT_MS, message: `the commit of ${greeting}` };
  const applied = configMaps.when(
    (objects) => (objects.get(NAME)?.data as Record<string, string>)?.greeting === greeting,
    waiting,
  );
  const ready = kustomizations.when((objects) => isReadyAt(objects, NAME, commit), waiting);
  const startedAt = now();
  await requestReconcile(environment, NAME);
  const [appliedAt, readyAt] = await Promise.all([applied, ready]);
  return { commit, startedAt, appliedMs: appliedAt - startedAt, readyMs: readyAt - startedAt };
}

/**
 * The spans of each round. They arrive at the collector a little after they ended. A round may have fewer spans, for
 * example when a run was started by the watch and not by the message that carries the trace.
 */
async function stepsOfRounds(
  { environment: { collector }, progress }: Trial,
  rounds: readonly Round[],
): Promise<Step[][]> {
  const read = () => {
    const spans = collector.spans();
    return rounds.map(({ commit, startedAt }) => stepsOf(spans, commit, startedAt));
  };
  if (collector.spans().length === 0) return [];
  const isComplete = (steps: Step[]) => steps.some(({ name }) => name === LAST_SPAN);
  const deadline = now() + SPANS_TIMEOUT_MS;
  while (!read().every(isComplete) && now() < deadline) await delay(SPANS_POLL_MS);
  const broken = read().filter((steps) => !isComplete(steps)).length;
  if (broken > 0) progress(`the traces of ${broken} rounds are not complete`);
  return read();
}

// A chain of apps, each of which depends on the one before: it may begin only when that one is Ready.
import { Kustomization } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { appFiles } from '../app.ts';
import { now } from '../measure/clock.ts';
import { type Following, follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import { repeat } from '../repeat.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { allReadyAt, appKustomization, createAll } from '../workload.ts';

const LENGTH = 20;
const TIMEOUT_MS = 30 * 60_000;

export const chain: OwnScenario = {
  kind: 'own',
  name: 'chain',
  about: `a chain of ${LENGTH} apps that depend on each other`,
  sizes: () => [LENGTH],
  async run(trial) {
    const { environment, rounds, progress } = trial;
    const kustomizations = follow<KubeObject>(
      environment.client,
      Kustomization,
      environment.namespace,
    );
    try {
      progress('one app, to warm up');
      await oneChain(trial, kustomizations, 'warm-up', 1);
      progress(`chains of ${LENGTH} apps`);
      const { result, spent } = await spentOn(trial, () =>
        repeat(rounds, (round) => oneChain(trial, kustomizations, `chain-${round}`, LENGTH)),
      );
      return [
        {
          id: 'chain',
          name: `dependency chain of ${LENGTH}`,
          apps: LENGTH,
          count: result.length,
          unit: 'chain',
          times: { 'the last one Ready': result },
          spent,
        },
      ];
    } finally {
      await kustomizations.close();
    }
  },
};

/** Creates a chain and returns the time until all of it is Ready, in ms. */
async function oneChain(
  { environment }: Trial,
  kustomizations: Following<KubeObject>,
  source: string,
  length: number,
): Promise<number> {
  const { namespace, git } = environment;
  const names = Array.from({ length }, (_, index) => `${source}-app-${index}`);
  const repository = await git.createRepository(source);
  const files = names.map((name) => appFiles({ namespace, name, version: 'v1' }));
  const revision = await repository.commit(Object.assign({}, ...files));
  const objects = names.map((name, index) => {
    const before = names[index - 1];
    const spec = before === undefined ? {} : { dependsOn: [{ name: before }] };
    return appKustomization(namespace, name, source, spec);
  });
  const ready = kustomizations.when(allReadyAt(names, revision), {
    timeoutMs: TIMEOUT_MS,
    message: `the ${length} apps of ${source}`,
  });
  const startedAt = now();
  const created = createAll(environment, { name: source, url: repository.url }, objects);
  const [readyAt] = await Promise.all([ready, created]);
  return readyAt - startedAt;
}

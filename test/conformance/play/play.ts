// Plays the steps of a fixture against the system that runs in the cluster.
import type { GitServer } from '@weir/cluster';
import { type KubeClient, Namespace } from '@weir/kube';
import type { Fixture, Step } from '../fixture.ts';
import type { Places } from '../session.ts';
import { commit } from './commit.ts';
import {
  applyYaml,
  createYaml,
  lend,
  patch,
  remove,
  untilGone,
  untilRefused,
  untilThere,
} from './edit.ts';
import { type FixtureRun, MANAGER } from './fixture-run.ts';
import { applyKustomization, requestReconcile, waitFor } from './kustomization.ts';

export interface PlayOptions {
  client: KubeClient;
  git: GitServer;
  places: Places;
  /** Called at each point that is to be compared; at the end with the label `end`. */
  snapshot(label: string): Promise<void>;
}

/** Plays a fixture to its end. Rejects with an error that names the failed step. */
export async function play(
  fixture: Fixture,
  { client, git, places, snapshot }: PlayOptions,
): Promise<void> {
  const run: FixtureRun = {
    client,
    git,
    fixture,
    places,
    repositories: new Map(),
    commits: new Map(),
    requests: new Map(),
    commitCount: 0,
  };
  const further = fixture.namespaces.filter((name) => !name.startsWith('?'));
  for (const name of [fixture.namespace, ...further.map((it) => `${fixture.namespace}-${it}`)]) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.apply(Namespace, namespace, { fieldManager: MANAGER });
    if (fixture.remote) await remoteOf(run).apply(Namespace, namespace, { fieldManager: MANAGER });
  }
  for (const [index, step] of fixture.steps.entries()) {
    try {
      if ('snapshot' in step) await snapshot(step.snapshot);
      else await perform(placed(run, step), step);
    } catch (cause) {
      const what = JSON.stringify(step).slice(0, 200);
      throw new Error(`step ${index + 1} ${what}: ${String(cause)}`, { cause });
    }
  }
  await snapshot('end');
}

/** The run whose client is that of the cluster in which the step is done. */
function placed(run: FixtureRun, step: Step): FixtureRun {
  return 'in' in step ? { ...run, client: remoteOf(run) } : run;
}

function remoteOf({ fixture, places }: FixtureRun): KubeClient {
  if (!fixture.remote || places.remote === undefined)
    throw new Error('the fixture has no "remote: true"');
  return places.remote.client;
}

function perform(run: FixtureRun, step: Exclude<Step, { snapshot: unknown }>): Promise<void> {
  if ('commit' in step) return commit(run, step);
  if ('kustomization' in step) return applyKustomization(run, step);
  if ('apply' in step) return applyYaml(run, step);
  if ('create' in step) return createYaml(run, step);
  if ('patch' in step) return patch(run, step);
  if ('lend' in step) return lend(run, step);
  if ('delete' in step) return remove(run, step.delete);
  if ('refused' in step) return untilRefused(run, step.refused);
  if ('reconcile' in step) return requestReconcile(run, step.reconcile);
  if ('wait' in step) return waitFor(run, step);
  if ('gone' in step) return untilGone(run, step.gone);
  return untilThere(run, step);
}

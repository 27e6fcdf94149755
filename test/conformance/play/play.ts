// Plays a fixture's steps against whatever reconciles in the cluster.
import type { GitServer } from '@weir/cluster';
import { type KubeClient, Namespace } from '@weir/kube';
import type { Fixture, Step } from '../fixture.ts';
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
import { applyKustomization, requestReconcile, waitFor } from './kustomization.ts';
import { MANAGER, type Scene } from './scene.ts';

export interface Stage {
  client: KubeClient;
  git: GitServer;
  /** Called at each point that is to be compared, `end` at last. */
  snapshot(label: string): Promise<void>;
}

/** Plays a fixture to its end. Rejects with the step that failed. */
export async function play(fixture: Fixture, { client, git, snapshot }: Stage): Promise<void> {
  const scene: Scene = {
    client,
    git,
    fixture,
    repositories: new Map(),
    commits: new Map(),
    requests: new Map(),
    commitCount: 0,
  };
  const further = fixture.namespaces.filter((name) => !name.startsWith('?'));
  for (const name of [fixture.namespace, ...further.map((it) => `${fixture.namespace}-${it}`)]) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.apply(Namespace, namespace, { fieldManager: MANAGER });
  }
  for (const [index, step] of fixture.steps.entries()) {
    try {
      if ('snapshot' in step) await snapshot(step.snapshot);
      else await perform(scene, step);
    } catch (cause) {
      const what = JSON.stringify(step).slice(0, 200);
      throw new Error(`step ${index + 1} ${what}: ${String(cause)}`, { cause });
    }
  }
  await snapshot('end');
}

function perform(scene: Scene, step: Exclude<Step, { snapshot: unknown }>): Promise<void> {
  if ('commit' in step) return commit(scene, step);
  if ('kustomization' in step) return applyKustomization(scene, step);
  if ('apply' in step) return applyYaml(scene, step);
  if ('create' in step) return createYaml(scene, step);
  if ('patch' in step) return patch(scene, step);
  if ('lend' in step) return lend(scene, step);
  if ('delete' in step) return remove(scene, step.delete);
  if ('refused' in step) return untilRefused(scene, step.refused);
  if ('reconcile' in step) return requestReconcile(scene, step.reconcile);
  if ('wait' in step) return waitFor(scene, step);
  if ('gone' in step) return untilGone(scene, step.gone);
  return untilThere(scene, step);
}

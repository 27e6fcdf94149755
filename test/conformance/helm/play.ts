// Plays a fixture against the system that runs in the cluster.
import { setTimeout as delay } from 'node:timers/promises';
import { Namespace } from '@weir/kube';
import { applyObject, deleteNamespace, editRelease, patchObject, removeObject } from './by-hand.ts';
import { publishedCharts } from './charts.ts';
import type { HelmFixture, Step } from './fixture.ts';
import {
  changeRelease,
  createRelease,
  deleteRelease,
  requestRelease,
  type Waiting,
  waitFor,
} from './releases.ts';
import { HAND, type HelmEnvironment, type HelmRun } from './run-state.ts';
import { commit, publish } from './sources.ts';
import type { Condition } from './states.ts';

/** Plays a fixture to its end. `snapshot` is called at each point that is compared. Rejects naming the failed step. */
export async function playHelm(
  fixture: HelmFixture,
  environment: HelmEnvironment,
  snapshot: (label: string) => Promise<void>,
): Promise<void> {
  const run: HelmRun = {
    ...environment,
    fixture,
    published: publishedCharts(environment.charts, fixture.namespace),
    requestCount: 0,
    commitCount: 0,
    snapshot,
  };
  await named('the start', () => begin(run));
  for (const [index, step] of (fixture.steps ?? []).entries()) {
    const what = `step ${index + 1} ${JSON.stringify(step).slice(0, 200)}`;
    await named(what, () => takeStep(run, step));
  }
  await snapshot('end');
}

async function named(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    throw new Error(`${what}: ${String(cause)}`, { cause });
  }
}

async function begin(run: HelmRun): Promise<void> {
  const { client, fixture } = run;
  const { namespace, namespaces = [], charts = [], git, objects = [], hold = [] } = fixture;
  const suffixes = namespaces.filter((suffix) => !suffix.startsWith('?'));
  for (const name of [namespace, ...suffixes.map((suffix) => `${namespace}-${suffix}`)]) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.apply(Namespace, object, { fieldManager: HAND });
  }
  if (charts.length > 0) await publish(run, charts);
  if (git !== undefined) await commit(run, git);
  for (const object of objects) await applyObject(run, object, HAND);
  const names = Object.keys(fixture.releases).filter((name) => !hold.includes(name));
  for (const name of names) await createRelease(run, name);
  if (fixture.settle === false) return;
  await Promise.all(names.map((name) => waitFor(run, name, startOf(fixture, name))));
}

function startOf({ until, timeoutMs }: HelmFixture, name: string): Waiting {
  const own = (until as Record<string, Condition> | undefined)?.[name] ?? until;
  return {
    until: (own ?? 'done') as Condition,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

async function takeStep(run: HelmRun, step: Step): Promise<void> {
  if ('snapshot' in step) return run.snapshot(step.snapshot);
  if ('together' in step) {
    await Promise.all(step.together.map((it) => takeStep(run, it)));
  } else if ('patch' in step) await patchObject(run, step.patch, step.with);
  else if ('remove' in step) await removeObject(run, step.remove);
  else if ('apply' in step) await applyObject(run, step.apply, step.as);
  else if ('editRelease' in step) await editRelease(run, step);
  else if ('deleteNamespace' in step) await deleteNamespace(run, step.timeoutMs);
  else if ('publish' in step) {
    await publish(run, step.publish);
    await waitIfAsked(run, step);
  } else if ('commit' in step) {
    await commit(run, step.commit);
    if (step.pauseMs !== undefined) await delay(step.pauseMs);
    await waitIfAsked(run, step);
  } else if ('pauseMs' in step) await delay(step.pauseMs);
  else await changeAndWait(run, step);
}

/** After a change of a source the fixture's only HelmRelease is waited for. */
async function waitIfAsked(run: HelmRun, waiting: Waiting): Promise<void> {
  if (waiting.until !== undefined) await waitFor(run, 'web', waiting);
}

type ReleaseStep = Extract<
  Step,
  | { change: string }
  | { create: string }
  | { delete: string }
  | { request: string }
  | { settle: string }
>;

async function changeAndWait(run: HelmRun, step: ReleaseStep): Promise<void> {
  if ('change' in step) {
    await changeRelease(run, step.change, step.spec);
    return waitFor(run, step.change, step);
  }
  if ('create' in step) {
    await createRelease(run, step.create);
    return waitFor(run, step.create, step);
  }
  if ('delete' in step) {
    await deleteRelease(run, step.delete);
    return waitFor(run, step.delete, { until: 'gone', ...step });
  }
  if ('request' in step) {
    await requestRelease(run, step);
    return waitFor(run, step.request, step);
  }
  return waitFor(run, step.settle, step);
}

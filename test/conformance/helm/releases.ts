// Steps that change HelmReleases or wait for them.
import {
  FORCE_REQUEST,
  findCondition,
  HelmChart,
  HelmRelease,
  READY,
  RECONCILE_REQUEST,
} from '@weir/api';
import { until } from '@weir/cluster';
import { isNotFound, type KubeObject } from '@weir/kube';
import type { HelmFixture } from './fixture.ts';
import { RESET_REQUEST, statusOf } from './objects.ts';
import { HAND, type HelmRun, WAIT } from './run-state.ts';
import { type Condition, isReached } from './states.ts';

export interface Waiting {
  until?: Condition;
  timeoutMs?: number;
}

const DEFAULT_SPEC = {
  interval: '60m',
  timeout: '30s',
  chart: { spec: { chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'repo' } } },
};

type Spec = Record<string, unknown>;

/** The spec of a HelmRelease with the defaults of fixtures. */
export function specOf({ releases }: Pick<HelmFixture, 'releases'>, name: string): Spec {
  const own = releases[name];
  if (own === undefined) throw new Error(`the fixture has no release ${name}`);
  return merged(DEFAULT_SPEC, own) as Spec;
}

/** A merge patch (RFC 7386). */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Spec = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function isRecord(value: unknown): value is Spec {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export async function createRelease(run: HelmRun, name: string): Promise<void> {
  const { client, fixture } = run;
  const object = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace: fixture.namespace },
    spec: specOf(fixture, name),
  };
  await client.create(HelmRelease, object, { fieldManager: HAND });
}

export async function changeRelease(run: HelmRun, name: string, spec: Spec): Promise<void> {
  await patchRelease(run, name, { spec });
}

export async function requestRelease(
  run: HelmRun,
  step: { request: string; force?: boolean; reset?: boolean },
): Promise<void> {
  const token = `request-${++run.requestCount}`;
  const annotations = {
    [RECONCILE_REQUEST]: token,
    ...(step.force ? { [FORCE_REQUEST]: token } : {}),
    ...(step.reset ? { [RESET_REQUEST]: token } : {}),
  };
  await patchRelease(run, step.request, { metadata: { annotations } });
}

export async function deleteRelease({ client, fixture }: HelmRun, name: string): Promise<void> {
  await client.delete(HelmRelease, { name, namespace: fixture.namespace });
}

async function patchRelease(
  { client, fixture }: HelmRun,
  name: string,
  body: Record<string, unknown>,
): Promise<void> {
  const ref = { name, namespace: fixture.namespace };
  await client.patch(HelmRelease, ref, body, { kind: 'merge', fieldManager: HAND });
}

/** How long a failure has to last, in ms. Some pass by themselves, such as that of a chart that isn't there yet. */
const LASTING_MS = 1_500;

/** Waits until a HelmRelease is as a step wants it. Rejects with the status that it had last. */
export async function waitFor(run: HelmRun, name: string, waiting: Waiting): Promise<void> {
  const { client, fixture } = run;
  const { until: condition = 'done', timeoutMs = WAIT.timeoutMs } = waiting;
  if (condition === 'asked') return;
  const ref = { name, namespace: fixture.namespace };
  const hasLasted = lasting(condition);
  const isThere = async () => {
    let object: KubeObject;
    try {
      object = await client.get(HelmRelease, ref);
    } catch (error) {
      if (condition === 'gone' && isNotFound(error)) return true;
      throw error;
    }
    const isNow =
      condition !== 'gone' && isReached(object, condition) && !(await isChartComing(run, object));
    if (hasLasted(isNow ? messageOf(object) : undefined)) return true;
    throw new Error(JSON.stringify(object.status));
  };
  const message = `${name} to be ${JSON.stringify(condition)}`;
  await until(isThere, { ...WAIT, timeoutMs, message });
}

/** Whether a state, by its message, has been the same for as long as this condition needs; undefined is another state. */
function lasting(condition: Condition): (message: string | undefined) => boolean {
  const state = typeof condition === 'string' ? condition : condition.state;
  const neededMs = state === 'failing' ? LASTING_MS : 0;
  let last: string | undefined;
  let since = 0;
  return (message) => {
    if (message !== last) since = performance.now();
    last = message;
    return message !== undefined && performance.now() - since >= neededMs;
  };
}

/** Whether a release only waits for its chart, which is being made. */
async function isChartComing({ client }: HelmRun, object: KubeObject): Promise<boolean> {
  const { conditions, helmChart = '' } = statusOf(object);
  if (findCondition(conditions, READY)?.reason !== 'SourceNotReady') return false;
  const [namespace = '', name = ''] = helmChart.split('/');
  const chart = await client.get<HelmChart>(HelmChart, { namespace, name });
  return !['True', 'False'].includes(findCondition(chart.status?.conditions, READY)?.status ?? '');
}

function messageOf(object: KubeObject): string {
  return findCondition(statusOf(object).conditions, READY)?.message ?? '';
}

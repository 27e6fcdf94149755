// `spec.chart`: the HelmChart or OCIRepository that is made for a HelmRelease, kept in line with the template, and
// deleted with the HelmRelease.
import {
  formatDuration,
  HelmChart,
  type HelmRelease,
  OCIRepository,
  parseDuration,
  Reason,
} from '@weir/api';
import { isOwnedBy, ownerKeyOf, ownerLabels } from '@weir/apply';
import { isNotFound, type KubeObject, objectKey } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import { CONTROLLER, GROUP } from '../names.ts';
import type { BaseRun } from '../run.ts';
import { compareWanted } from './wanted.ts';

type Template = NonNullable<HelmRelease['spec']['chart']>;

/** The object that a template makes. */
export interface ChartObject {
  kind: 'HelmChart' | 'OCIRepository';
  namespace: string;
  name: string;
}

/** Undefined for a HelmRelease that refers to a chart. */
export function chartObjectOf({ metadata, spec }: HelmRelease): ChartObject | undefined {
  if (spec.chart === undefined) return undefined;
  const { namespace = '', name } = metadata;
  const { kind = 'HelmChart' } = spec.chart;
  // As in Flux, a HelmChart is in the namespace of its source.
  const beside = kind === 'HelmChart' ? spec.chart.spec.sourceRef?.namespace : undefined;
  return { kind, namespace: beside || namespace, name: `${namespace}-${name}` };
}

/**
 * Creates or changes the object that the template describes, and deletes the one of an earlier template. Fails with
 * AccessDenied if the template names a source of another namespace and that is not allowed.
 */
export async function requireChartObject(run: BaseRun): Promise<void> {
  const { object, status } = run;
  const wanted = chartObjectOf(object);
  const made = madeBefore(run);
  if (made !== undefined && (wanted === undefined || !isSame(made, wanted))) {
    await deleteChartObject(run);
  }
  if (wanted === undefined || object.spec.chart === undefined) return;
  requireAccess(run, wanted);
  await apply(run, wanted, object.spec.chart);
  status.set({ helmChart: objectKey(wanted) });
}

/** Deletes the object that was made, unless it is gone or belongs to another HelmRelease now. */
export async function deleteChartObject(run: BaseRun): Promise<void> {
  const { env, object, status, events, ctx } = run;
  const made = madeBefore(run);
  if (made === undefined) return;
  requireAccess(run, made);
  const type = typeOf(made);
  const { kind, namespace, name } = made;
  ctx.guard();
  try {
    const live = await env.client.get(type, { namespace, name });
    if (isOurs(object, live)) {
      const { uid = '' } = live.metadata;
      await env.client.delete(type, { namespace, name }, { uid });
      const message = `deleted ${kind} '${objectKey(made)}'`;
      events.publish('trace', Reason.HelmChartDeleted, message);
    }
  } catch (cause) {
    if (!isNotFound(cause)) {
      const why = `failed to delete ${kind} '${objectKey(made)}': ${messageOf(cause)}`;
      throw new Error(why, { cause });
    }
  }
  status.set({ helmChart: undefined });
}

/** The object that `status.helmChart` names. The name doesn't say of which kind it is, so both are tried. */
function madeBefore({ env, object, status }: BaseRun): ChartObject | undefined {
  const { helmChart } = status.fields();
  if (helmChart === undefined) return undefined;
  const [namespace = '', name = ''] = helmChart.split('/');
  const kinds = ['HelmChart', 'OCIRepository'] as const;
  const found = kinds.find((kind) => {
    const known = env.sources.known({ kind, namespace, name });
    return known !== undefined && isOurs(object, known);
  });
  return { kind: found ?? object.spec.chart?.kind ?? 'HelmChart', namespace, name };
}

async function apply(run: BaseRun, wanted: ChartObject, template: Template): Promise<void> {
  const { env, object, events, ctx } = run;
  const body = chartObjectBody(object, wanted, template);
  await env.sources.find(wanted);
  const live = env.sources.known(wanted);
  refuseTaken(run, wanted, live);
  const key = objectKey(object);
  const text = JSON.stringify(body);
  const isSaid = env.chartObjects.get(key) === text;
  const compared = live === undefined ? 'different' : compareWanted(live, body);
  if (compared === 'same' || (compared === 'more' && isSaid)) return;
  ctx.guard();
  const { kind } = wanted;
  try {
    const applied = await env.client.apply(typeOf(wanted), body, {
      fieldManager: CONTROLLER,
      force: true,
    });
    env.sources.observe(kind, applied);
    env.chartObjects.set(key, text);
    const isNew = live === undefined && applied.metadata.generation === 1;
    if (!isNew && live?.metadata.resourceVersion === applied.metadata.resourceVersion) return;
    const did = isNew ? 'Created' : 'Configured';
    const reason = isNew ? Reason.HelmChartCreated : Reason.HelmChartConfigured;
    const source = template.spec.sourceRef;
    const from =
      source === undefined
        ? `URL '${template.spec.url ?? ''}'`
        : `SourceRef '${source.kind}/${wanted.namespace}/${source.name}'`;
    events.publish('trace', reason, `${did} ${kind}/${objectKey(wanted)} with ${from}`);
  } catch (cause) {
    const why = `failed to run server-side apply: ${messageOf(cause)}`;
    events.publish('trace', Reason.HelmChartSyncErr, why);
    throw new Error(why, { cause });
  }
}

/**
 * Throws a Failure if the object that the template makes belongs to another HelmRelease: `a-b/c` and `a/b-c` give the
 * same name, and each would release the chart that the other one chose.
 */
function refuseTaken({ env, object }: BaseRun, wanted: ChartObject, live?: KubeObject): void {
  const holder = live === undefined ? undefined : ownerKeyOf(live, GROUP);
  if (holder === undefined || holder === objectKey(object)) return;
  const other = env.releases.get(holder);
  const theirs = other === undefined ? undefined : chartObjectOf(other);
  if (theirs === undefined || !isSame(theirs, wanted)) return;
  const { kind } = wanted;
  const message = `${kind} ${objectKey(wanted)} is made for HelmRelease ${holder}: give one of them another name`;
  throw new Failure(Reason.AccessDenied, message, { stalled: true });
}

/** Throws AccessDenied, until the spec changes. */
function requireAccess({ env, object }: BaseRun, { kind, namespace, name }: ChartObject): void {
  if (!env.settings.noCrossNamespaceRefs || namespace === object.metadata.namespace) return;
  const message = `cross-namespace references are not allowed: cannot access ${kind} ${namespace}/${name}`;
  throw new Failure(Reason.AccessDenied, message, { stalled: true });
}

/** The object that the template describes, in the form in which it is applied. */
export function chartObjectBody(
  object: HelmRelease,
  { kind, namespace, name }: ChartObject,
  { metadata, spec }: Template,
): KubeObject & { spec: object } {
  const owner = {
    group: GROUP,
    name: object.metadata.name,
    namespace: object.metadata.namespace ?? '',
  };
  return {
    apiVersion: HelmChart.apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { ...metadata?.labels, ...ownerLabels(owner) },
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec: kind === 'HelmChart' ? helmChartSpec(object, spec) : ociRepositorySpec(object, spec),
  };
}

function helmChartSpec({ spec: { interval } }: HelmRelease, spec: Template['spec']): object {
  const { sourceRef, verify, valuesFiles = [] } = spec;
  return {
    chart: spec.chart,
    sourceRef: { kind: sourceRef?.kind, name: sourceRef?.name },
    interval: goDuration(spec.interval ?? interval),
    ...(spec.version ? { version: spec.version } : {}),
    ...(spec.reconcileStrategy ? { reconcileStrategy: spec.reconcileStrategy } : {}),
    ...(valuesFiles.length > 0 ? { valuesFiles } : {}),
    ...(spec.ignoreMissingValuesFiles ? { ignoreMissingValuesFiles: true } : {}),
    ...(verify === undefined
      ? {}
      : {
          verify: {
            provider: verify.provider,
            ...(verify.secretRef === undefined ? {} : { secretRef: verify.secretRef }),
            ...(verify.matchOIDCIdentity === undefined
              ? {}
              : { matchOIDCIdentity: verify.matchOIDCIdentity }),
          },
        }),
  };
}

/** Fields of the template that an OCIRepository doesn't have. */
const HELM_CHART_ONLY: readonly string[] = [
  'chart',
  'version',
  'sourceRef',
  'reconcileStrategy',
  'valuesFiles',
  'ignoreMissingValuesFiles',
];

function ociRepositorySpec({ spec: { interval } }: HelmRelease, spec: Template['spec']): object {
  const own = Object.entries(spec).filter(([field]) => !HELM_CHART_ONLY.includes(field));
  return { ...Object.fromEntries(own), interval: goDuration(spec.interval ?? interval) };
}

/** The duration as Go writes it: `60m` is `1h0m0s`. */
function goDuration(text: string): string {
  return formatDuration(parseDuration(text));
}

function isOurs({ metadata }: HelmRelease, live: KubeObject): boolean {
  return isOwnedBy(live, {
    group: GROUP,
    name: metadata.name,
    namespace: metadata.namespace ?? '',
  });
}

function isSame(a: ChartObject, b: ChartObject): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function typeOf({ kind }: ChartObject) {
  return kind === 'HelmChart' ? HelmChart : OCIRepository;
}

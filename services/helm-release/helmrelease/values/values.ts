// The step that composes the values of a release: `spec.valuesFrom` in its order, then `spec.values`.
import { type HelmRelease, Reason, type ValuesReference } from '@weir/api';
import { ConfigMap, isNotFound, type KubeClient, type KubeObject, readSecret } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import {
  type HelmChartFile,
  type HelmValuesLayer,
  type HelmValuesResult,
  RenderError,
} from '@weir/render';
import type { Environment } from '../environment.ts';

const DEFAULT_KEY = 'values.yaml';

export interface ValuesContext {
  env: Pick<Environment, 'client' | 'pool'>;
  object: HelmRelease;
  ctx: { signal: AbortSignal };
}

/**
 * Fails with ValuesError, whose message names the reference and has no value. With `chart` the result includes the
 * values of the chart.
 */
export async function composeValues(
  { env, object, ctx }: ValuesContext,
  chart?: HelmChartFile,
): Promise<HelmValuesResult> {
  const { valuesFrom = [], values } = object.spec;
  const layers = await resolveLayers(env.client, object, valuesFrom);
  const inline = values === undefined ? undefined : JSON.stringify(values);
  const tenant = object.metadata.namespace ?? '';
  try {
    return await env.pool.helmValues({ layers, inline, chart }, { tenant, signal: ctx.signal });
  } catch (cause) {
    if (!(cause instanceof RenderError) || ctx.signal.aborted) throw cause;
    const reference = valuesFrom.find((it) => originOf(it) === cause.origin);
    const where = reference === undefined ? '' : `${describe(object, reference)}: `;
    throw valuesError(`${where}${cause.message}`, cause);
  }
}

/** `<kind>/<namespace>/<name>` of the ConfigMaps and Secrets with values. */
export function valuesSources({ metadata, spec }: HelmRelease): string[] {
  return (spec.valuesFrom ?? []).map(
    ({ kind, name }) => `${kind}/${metadata.namespace ?? ''}/${name}`,
  );
}

/** Whether an origin, as the result names it, is a Secret. */
export function isSecretOrigin(origin: string): boolean {
  return origin.startsWith('Secret/');
}

/** Reads each object once, however many of its keys are used; optional ones that are missing are left out. */
async function resolveLayers(
  client: KubeClient,
  object: HelmRelease,
  references: readonly ValuesReference[],
): Promise<HelmValuesLayer[]> {
  const read = new Map<string, Promise<Record<string, string> | Failure>>();
  const layers: HelmValuesLayer[] = [];
  for (const reference of references) {
    const id = `${reference.kind}/${reference.name}`;
    const content = await (read.get(id) ?? readKeys(client, object, reference));
    read.set(id, Promise.resolve(content));
    const layer = layerOf(object, reference, content);
    if (layer instanceof Failure) {
      if (!reference.optional) throw layer;
    } else layers.push(layer);
  }
  return layers;
}

function layerOf(
  object: HelmRelease,
  reference: ValuesReference,
  content: Record<string, string> | Failure,
): HelmValuesLayer | Failure {
  if (content instanceof Failure) return content;
  const { valuesKey = DEFAULT_KEY, targetPath, literal } = reference;
  const text = Object.hasOwn(content, valuesKey) ? content[valuesKey] : undefined;
  if (text === undefined) return valuesError(`${describe(object, reference)}: key not found`);
  const common = { origin: originOf(reference), secret: reference.kind === 'Secret' };
  return targetPath ? { ...common, text, targetPath, literal } : { ...common, yaml: text };
}

/** The keys of a ConfigMap or Secret as text. Fails if there is no such object. */
async function readKeys(
  client: KubeClient,
  object: HelmRelease,
  reference: ValuesReference,
): Promise<Record<string, string> | Failure> {
  const ref = { namespace: object.metadata.namespace ?? '', name: reference.name };
  try {
    if (reference.kind === 'Secret') {
      const data = await readSecret(client, ref);
      return Object.fromEntries([...data].map(([key, value]) => [key, value.toString()]));
    }
    const read = await client.get<KubeObject & { data?: Record<string, string> }>(ConfigMap, ref);
    return read.data ?? {};
  } catch (error) {
    if (!isNotFound(error)) throw valuesError(messageOf(error), error);
    return valuesError(`${describe(object, reference)}: ${messageOf(error)}`, error);
  }
}

/** The origin of values, such as `Secret/web-values values.yaml`. */
function originOf({ kind, name, valuesKey = DEFAULT_KEY, targetPath }: ValuesReference): string {
  return `${kind}/${name} ${valuesKey}${targetPath ? ` at ${targetPath}` : ''}`;
}

/** The reference in Flux's words, for messages. */
function describe({ metadata }: HelmRelease, reference: ValuesReference): string {
  const { kind, name, valuesKey = DEFAULT_KEY, optional } = reference;
  const what = `${optional ? 'optional ' : ''}${kind} chart values reference`;
  return `could not resolve ${what} '${metadata.namespace}/${name}' with key '${valuesKey}'`;
}

function valuesError(message: string, cause?: unknown): Failure {
  const why = cause === undefined ? {} : { cause };
  return new Failure(Reason.ValuesError, message, { backoff: true, ...why });
}

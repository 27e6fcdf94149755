// The variables of `spec.postBuild`, gathered from ConfigMaps, Secrets and the object itself.
import type { Kustomization } from '@weir/api';
import {
  ConfigMap,
  isNotFound,
  type KubeClient,
  type KubeObject,
  readSecret,
  type SecretData,
} from '@weir/kube';
import type { Substitution } from '@weir/render';

type Reference = NonNullable<
  NonNullable<Kustomization['spec']['postBuild']>['substituteFrom']
>[number];

/** A ConfigMap or Secret with variables could not be read; the message names it. */
export class VariablesError extends Error {
  override name = 'VariablesError';
}

/** Variables, with those of their values that must not be shown. */
export interface Variables extends Substitution {
  /** All values from Secrets, including those that later sources replace. */
  secretValues: string[];
}

/**
 * Undefined without `postBuild`. A later source replaces values of an earlier one, and inline values replace all
 * others.
 */
export async function gatherVariables(
  client: KubeClient,
  object: Kustomization,
  { strict }: { strict: boolean },
): Promise<Variables | undefined> {
  const { postBuild } = object.spec;
  if (postBuild === undefined) return undefined;
  const { namespace = '' } = object.metadata;
  const references = postBuild.substituteFrom ?? [];
  const sources = await Promise.all(
    references.map((reference) => read(client, namespace, reference)),
  );
  const vars = Object.assign({}, ...sources, postBuild.substitute) as Record<string, string>;
  const secrets = sources.filter((_, index) => references[index]?.kind === 'Secret');
  return {
    vars: Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, oneLine(value)])),
    secretValues: secrets.flatMap((source) => Object.values(source).map(oneLine)),
    strict,
    always: postBuild.substituteStrategy === 'Always',
  };
}

function oneLine(value: string): string {
  return value.replaceAll('\n', '');
}

async function read(
  client: KubeClient,
  namespace: string,
  { kind, name, optional = false }: Reference,
): Promise<Record<string, string>> {
  try {
    const ref = { namespace, name };
    if (kind === 'Secret') return texts(await readSecret(client, ref));
    const { data } = await client.get<KubeObject & { data?: Record<string, string> }>(
      ConfigMap,
      ref,
    );
    return data ?? {};
  } catch (cause) {
    if (optional && isNotFound(cause)) return {};
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VariablesError(`substitute from '${kind}/${name}' error: ${why}`, { cause });
  }
}

function texts(data: SecretData): Record<string, string> {
  return Object.fromEntries([...data].map(([key, value]) => [key, value.toString()]));
}

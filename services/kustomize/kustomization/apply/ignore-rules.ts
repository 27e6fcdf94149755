// `spec.ignore`: fields of applied objects that are left to others.
import { type Kustomization, Reason } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { RenderError } from '@weir/render';
import type { Environment } from '../environment.ts';
import { Failure } from '../status/failure.ts';

/**
 * Answers which fields of an object are exempt, as JSON pointers; undefined when the spec has no rules.
 * Fails for a rule whose selector can't be read.
 */
export async function exemptionsOf(
  pool: Pick<Environment['pool'], 'exempt'>,
  { spec }: Kustomization,
): Promise<((object: KubeObject) => Promise<string[]>) | undefined> {
  const { ignore: rules = [] } = spec;
  if (rules.length === 0) return undefined;
  try {
    await pool.exempt({ rules, objects: [] });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    throw new Failure(Reason.ReconciliationFailed, `${error.message}\n`, { cause: error });
  }
  return async (object) => {
    const [pointers = []] = await pool.exempt({ rules, objects: [selectable(object)] });
    return pointers;
  };
}

/** Selectors look at nothing else. */
function selectable({ apiVersion, kind, metadata }: KubeObject): object {
  const { name, namespace, labels, annotations } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations } };
}

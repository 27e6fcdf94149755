// `spec.ignore`: fields of applied objects that are left to others.
import { type Kustomization, Reason } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { Failure } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';

/**
 * Returns the ignored fields of an object as JSON pointers; undefined when the spec has no rules. Fails for a rule
 * whose selector can't be read.
 */
export async function ignoredFields(
  pool: Pick<RenderPool, 'exempt'>,
  { metadata, spec }: Kustomization,
): Promise<((object: KubeObject) => Promise<string[]>) | undefined> {
  const { ignore: rules = [] } = spec;
  if (rules.length === 0) return undefined;
  const options = { tenant: metadata.namespace ?? '' };
  try {
    await pool.exempt({ rules, objects: [] }, options);
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    throw new Failure(Reason.ReconciliationFailed, `${error.message}\n`, { cause: error });
  }
  return async (object) => {
    const [pointers = []] = await pool.exempt({ rules, objects: [selectable(object)] }, options);
    return pointers;
  };
}

/** The parts of an object that selectors use. */
function selectable({ apiVersion, kind, metadata }: KubeObject): object {
  const { name, namespace, labels, annotations } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations } };
}

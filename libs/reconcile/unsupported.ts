import { Reason, type UnsupportedRule, unsupportedFields, unsupportedMessage } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { Failure } from './failure.ts';

/**
 * Throws a stalled Failure that names the fields of the object whose behaviour doesn't exist yet. It comes before
 * anything that acts on the object, also before its deletion: what isn't understood is never acted on.
 */
export function refuseUnsupported(object: KubeObject, rules: readonly UnsupportedRule[]): void {
  const fields = unsupportedFields(object, rules);
  if (fields.length === 0) return;
  throw new Failure(Reason.UnsupportedField, unsupportedMessage(fields), { stalled: true });
}

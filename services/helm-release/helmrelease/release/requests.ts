// What people ask of a HelmRelease by annotations: to release it whatever its state, or to forget its failures.
import { FORCE_REQUEST, type HelmRelease, RECONCILE_REQUEST, RESET_REQUEST } from '@weir/api';
import type { Run } from '../run.ts';

/** Answers once for each request, and remembers it, also where the request is none because its value is another. */
export function isForced(run: Pick<Run, 'object' | 'status'>): boolean {
  return takeRequest(run, FORCE_REQUEST, 'lastHandledForceAt');
}

/** The same of a reset. */
export function isReset(run: Pick<Run, 'object' | 'status'>): boolean {
  return takeRequest(run, RESET_REQUEST, 'lastHandledResetAt');
}

function takeRequest(
  { object, status }: Pick<Run, 'object' | 'status'>,
  annotation: string,
  field: 'lastHandledForceAt' | 'lastHandledResetAt',
): boolean {
  const asked = object.metadata.annotations?.[annotation];
  if (asked === undefined) return false;
  const isNew = status.fields()[field] !== asked;
  status.set({ [field]: asked });
  return isNew && asked === requested(object) && object.status?.lastHandledReconcileAt !== asked;
}

function requested({ metadata }: HelmRelease): string | undefined {
  return metadata.annotations?.[RECONCILE_REQUEST];
}

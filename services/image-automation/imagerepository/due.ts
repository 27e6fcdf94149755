// Decides whether the tags of an image are to be listed now.
import { findCondition, type ImageRepository, isRequested, parseDuration, READY } from '@weir/api';
import { exclusionListOf } from '../shared/exclusion.ts';

/** Either the reason for listing the tags now, with Flux's words, or the time until then, in ms. */
export type Due = { reason: string } | { inMs: number };

/** The reason when nobody requested a listing: then an earlier listing for another object may be used. */
export const INTERVAL = 'triggered by interval';

/** A listing that is due within this time (ms) is made now, as in Flux. */
const SOON_MS = 1_000;

/**
 * @param canonicalName of the image in the present spec
 * @param causes why the object runs
 * @param isStored whether the tags of the last listing are still stored
 */
export async function dueOf(
  { spec, status, ...object }: ImageRepository,
  canonicalName: string,
  causes: ReadonlySet<string>,
  isStored: (revision: string) => Promise<boolean>,
): Promise<Due> {
  const { lastScanResult, lastHandledReconcileAt } = status ?? {};
  if (lastScanResult === undefined) return { reason: 'first scan' };
  if (isRequested({ spec, ...object }, lastHandledReconcileAt)) {
    return { reason: 'reconcile requested' };
  }
  if (status?.canonicalImageName !== canonicalName) return { reason: 'new image name' };
  if (!hasSame(exclusionListOf(spec), status.observedExclusionList ?? [])) {
    return { reason: 'updated exclusion list' };
  }
  if (!(await isStored(lastScanResult.revision ?? ''))) return { reason: 'no tags in database' };
  // Unlike Flux, a failed listing is tried again, whatever the interval is.
  if (findCondition(status.conditions, READY)?.status === 'False')
    return { reason: 'last scan failed' };
  const sinceMs = Date.now() - Date.parse(lastScanResult.scanTime ?? '');
  const inMs = parseDuration(spec.interval) - (Number.isNaN(sinceMs) ? Infinity : sinceMs);
  // Intervals vary a little, so that equal objects don't all run at the same time.
  return inMs < SOON_MS || causes.has('interval') ? { reason: INTERVAL } : { inMs };
}

/** Whether two lists have the same content, in whatever order. */
function hasSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}

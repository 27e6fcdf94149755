// Whether the tags of an image are to be listed now.
import { findCondition, type ImageRepository, isRequested, parseDuration, READY } from '@weir/api';
import { exclusionListOf } from '../shared/exclusion.ts';

/** Either why the tags are listed now, in Flux's words, or when they are to be, in ms. */
export type Due = { reason: string } | { inMs: number };

/** The reason of what nobody asked for: then tags that another object had listed a while ago will do. */
export const INTERVAL = 'triggered by interval';

/** A listing that is due this soon (ms) is made now, as in Flux. */
const SOON_MS = 1_000;

/**
 * @param canonicalName of the image as the spec has it now
 * @param causes why the object runs
 * @param isStored whether the tags of the last listing are still there
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
  // Not in Flux: what failed is tried again, whatever the interval.
  if (findCondition(status.conditions, READY)?.status === 'False')
    return { reason: 'last scan failed' };
  const sinceMs = Date.now() - Date.parse(lastScanResult.scanTime ?? '');
  const inMs = parseDuration(spec.interval) - (Number.isNaN(sinceMs) ? Infinity : sinceMs);
  // An interval is moved a little by chance, so that objects alike don't all come at once.
  return inMs < SOON_MS || causes.has('interval') ? { reason: INTERVAL } : { inMs };
}

/** Whether two lists have the same content, in whatever order. */
function hasSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}

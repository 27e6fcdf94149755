// Functions on lists of status conditions. Each returns a new list and leaves the given one unchanged. Order,
// transition times and trimming follow fluxcd/pkg/runtime/conditions, so that Weir and Flux write the same.
import type { KubeObject } from '@weir/kube';
import { type Condition, MAX_MESSAGE } from './schema/condition.ts';

export const READY = 'Ready';
export const RECONCILING = 'Reconciling';
export const STALLED = 'Stalled';
export const HEALTHY = 'Healthy';
export const ARTIFACT_IN_STORAGE = 'ArtifactInStorage';
export const ARTIFACT_OUTDATED = 'ArtifactOutdated';
export const SOURCE_VERIFIED = 'SourceVerified';
export const FETCH_FAILED = 'FetchFailed';
export const BUILD_FAILED = 'BuildFailed';
export const STORAGE_OPERATION_FAILED = 'StorageOperationFailed';
export const RELEASED = 'Released';
export const REMEDIATED = 'Remediated';
export const TEST_SUCCESS = 'TestSuccess';
export const DRIFTED = 'Drifted';
export const INCLUDE_UNAVAILABLE = 'IncludeUnavailable';

/** A condition to set, without the time, which the function determines. */
export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/** These come first, in this order; the others follow by generation (newest first), then by type. */
const FIRST = [STALLED, RECONCILING, READY];
const ELLIPSIS = '...';

/**
 * Returns the list with `condition` in place of the one of the same type. Its lastTransitionTime (whole seconds)
 * changes only if status, reason or message differ; a message over 32768 bytes is cut.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  condition: NewCondition,
  now: Date = new Date(),
): Condition[] {
  const next = { ...condition, message: trimMessage(condition.message) };
  const previous = findCondition(conditions, condition.type);
  const lastTransitionTime =
    previous && sameState(previous, next) ? previous.lastTransitionTime : formatTime(now);
  return [...removeCondition(conditions, condition.type), { ...next, lastTransitionTime }].sort(
    inOrder,
  );
}

export function removeCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** The conditions of any object, also of kinds that Weir does not know; empty if it has no status. */
export function conditionsOf(object: KubeObject): readonly Condition[] {
  const { status } = object;
  if (typeof status !== 'object' || status === null || !('conditions' in status)) return [];
  return Array.isArray(status.conditions) ? status.conditions.filter(isCondition) : [];
}

/**
 * Whether an object is ready for its current spec: Ready is True for the current generation, and it is neither
 * reconciling nor stalled (kstatus conventions).
 */
export function isReady(object: KubeObject): boolean {
  const conditions = conditionsOf(object);
  const holds = (type: string) => findCondition(conditions, type)?.status === 'True';
  return holds(READY) && !holds(RECONCILING) && !holds(STALLED) && isObserved(object, conditions);
}

/** Whether Ready is about the current generation. An object without generations to compare counts as observed. */
function isObserved(object: KubeObject, conditions: readonly Condition[]): boolean {
  const { generation } = object.metadata;
  const observed = findCondition(conditions, READY)?.observedGeneration;
  return generation === undefined || observed === undefined || observed >= generation;
}

/** A time as Kubernetes writes it: RFC 3339 in UTC, whole seconds. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function sameState(a: NewCondition, b: NewCondition): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message;
}

function inOrder(a: Condition, b: Condition): number {
  return (
    rank(a) - rank(b) ||
    (b.observedGeneration ?? 0) - (a.observedGeneration ?? 0) ||
    (a.type < b.type ? -1 : 1)
  );
}

function rank({ type }: Condition): number {
  const place = FIRST.indexOf(type);
  return place < 0 ? FIRST.length : place;
}

/** The limit is counted in bytes of UTF-8, as Flux does; a character is never cut in two. */
function trimMessage(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE) return message;
  const decoder = new TextDecoder();
  const kept = bytes.subarray(0, MAX_MESSAGE - ELLIPSIS.length);
  return decoder.decode(kept, { stream: true }) + ELLIPSIS;
}

function isCondition(value: unknown): value is Condition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    'status' in value &&
    typeof value.type === 'string' &&
    typeof value.status === 'string'
  );
}

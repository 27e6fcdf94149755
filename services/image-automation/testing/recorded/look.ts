// The status of an object as a recorded case describes it.
import { type Condition, isRequested } from '@weir/api';
import type { KubeObject } from '@weir/kube';

interface AnyStatus {
  conditions?: Condition[];
  observedGeneration?: number;
  lastHandledReconcileAt?: string;
  lastScanResult?: Record<string, unknown>;
  [field: string]: unknown;
}

export function describeObject(object: KubeObject): Record<string, unknown> {
  const {
    conditions = [],
    observedGeneration,
    lastHandledReconcileAt,
    lastScanResult,
    ...fields
  } = (object.status ?? {}) as AnyStatus;
  const messageOf = (type: string) => conditions.find((it) => it.type === type)?.message;
  const stalled = messageOf('Stalled');
  return {
    ...fields,
    conditions: conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort(),
    ...(object.metadata.finalizers ? { finalizers: object.metadata.finalizers } : {}),
    message: messageOf('Ready'),
    ...(stalled === undefined ? {} : { stalled }),
    observedGeneration: generationOf(object, observedGeneration),
    ...(isRequested(object, undefined) && !isRequested(object, lastHandledReconcileAt)
      ? { lastHandledReconcileAt: 'handled' }
      : {}),
    ...(lastScanResult === undefined
      ? {}
      : { lastScanResult: { ...lastScanResult, ...marked(lastScanResult) } }),
  };
}

/** Names the fields whose values differ each time. */
function marked(result: Record<string, unknown>): Record<string, true> {
  const names = ['revision', 'scanTime'].filter((name) => result[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, true]));
}

function generationOf({ metadata }: KubeObject, observed: number | undefined): string {
  if (observed === undefined || observed === -1) return 'none';
  return observed === metadata.generation ? 'current' : 'behind';
}

/** Replaces texts by the placeholders that match them, such as `<checksum>`, which match any text. */
export function withStandIns(actual: unknown, recorded: unknown): unknown {
  if (typeof actual === 'string' && typeof recorded === 'string') {
    return fits(actual, recorded) ? recorded : actual;
  }
  if (typeof actual !== 'object' || actual === null) return actual;
  const other = Object(recorded) as Record<string, unknown>;
  if (Array.isArray(actual)) {
    return actual.map((value, index) => withStandIns(value, other[index]));
  }
  return Object.fromEntries(
    Object.entries(actual).map(([key, value]) => [key, withStandIns(value, other[key])]),
  );
}

/** Whether a text is the recorded one, whose stand-ins fit anything. */
export function fits(actual: string, recorded: string): boolean {
  const parts = recorded.split(/<[a-z ]+>/).map((it) => it.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`, 's').test(actual);
}

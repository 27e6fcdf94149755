// Removes from texts and objects what differs between two runs of the same system, in the form of the recordings.
import type { ManagedFields } from '@weir/kube';

export type Normalize = <T>(value: T) => T;

/** Replaces in each text of a value: the fixture's namespace, times, hosts, temporary folders and digests. */
export function normalizing(namespace: string): Normalize {
  const text = (value: string) =>
    value
      .replaceAll(namespace, '<ns>')
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<t>')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<host>')
      .replaceAll(/\/tmp\/[\w.-]+/g, '<tmp>')
      .replaceAll(/@sha1:[0-9a-f]{40}/g, '@sha1:<sha>')
      .replaceAll(/([+_])[0-9a-f]{12}\b/g, '$1<sha12>')
      .replaceAll(/revision 'sha256:[0-9a-f]{64}'/g, "revision 'sha256:<digest>'");
  return <T>(value: T): T => mapTexts(value, text) as T;
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [change(key), mapTexts(item, change)]));
}

/** Field managers that are not compared: Kubernetes' own components and the fake nodes. */
const IGNORED_MANAGERS = new Set([
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'],
]);

/** The sorted managers of an object as `<manager>/<operation>`; each once. */
export function managersOf(entries: readonly ManagedFields[] = []): string[] {
  const kept = entries.filter(({ manager = '' }) => !IGNORED_MANAGERS.has(manager));
  const names = kept.map(({ manager, operation }) => `${manager}/${operation}`);
  return [...new Set(names)].sort();
}

/** The entries of a map without some keys; undefined when none is left. */
export function without(
  entries: Record<string, string> = {},
  keys: readonly string[],
): Record<string, string> | undefined {
  const kept = Object.entries(entries).filter(([key]) => !keys.includes(key));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

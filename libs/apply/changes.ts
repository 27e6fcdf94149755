// What an apply or a prune did to each object, with Flux's words.
import { type ObjectId, subjectOf } from './objects.ts';

export type Action = 'created' | 'configured' | 'unchanged' | 'skipped' | 'deleted' | 'unknown';

export interface Change {
  id: ObjectId;
  version: string;
  action: Action;
}

export type ChangeSet = Change[];

/** `Deployment/apps/web configured` */
export function formatChange({ id, action }: Change): string {
  return `${subjectOf(id)} ${action}`;
}

export function formatChanges(changes: ChangeSet): string {
  return changes.map(formatChange).join('\n');
}

/** The changes that did something: everything but `unchanged` and `skipped`. */
export function effective(changes: ChangeSet): ChangeSet {
  return changes.filter(({ action }) => action !== 'unchanged' && action !== 'skipped');
}

/** For logs: each object with its action, or with `grouped` the objects by action. */
export function changeLog(
  changes: ChangeSet,
  { grouped }: { grouped: boolean },
): Record<string, string | string[]> {
  const subjects = (some: ChangeSet) => some.map(({ id }) => subjectOf(id));
  if (!grouped) return Object.fromEntries(changes.map(({ id, action }) => [subjectOf(id), action]));
  const byAction = Map.groupBy(changes, ({ action }) => action);
  return Object.fromEntries([...byAction].map(([action, some]) => [action, subjects(some)]));
}

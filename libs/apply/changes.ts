// What an apply or a prune did to each object, in Flux's words.
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

/** The changes that someone would want to hear of: everything but `unchanged` and `skipped`. */
export function effective(changes: ChangeSet): ChangeSet {
  return changes.filter(({ action }) => action !== 'unchanged' && action !== 'skipped');
}

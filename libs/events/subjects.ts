import { objectTokens, type SubjectRef, subjectToken } from '@weir/bus';

/** `weir.event.<cluster>.<kind.group>.<namespace>.<name>.<reason>`, each one token. */
export function eventSubject(cluster: string, ref: SubjectRef, reason: string): string {
  return ['weir.event', subjectToken(cluster), ...objectTokens(ref), subjectToken(reason)].join(
    '.',
  );
}

/** Matches all events of a cluster. */
export function eventFilter(cluster: string): string {
  return `weir.event.${subjectToken(cluster)}.>`;
}

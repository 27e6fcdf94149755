import { objectTokens, type SubjectRef, subjectToken } from '@weir/bus';

/** `weir.artifact.<cluster>.<kind.group>.<namespace>.<name>`, each one token. */
export function artifactSubject(cluster: string, ref: SubjectRef): string {
  return ['weir.artifact', subjectToken(cluster), ...objectTokens(ref)].join('.');
}

/** Matches the artifacts of a cluster: those of one kind (`Kind.group`), or all. */
export function artifactFilter(cluster: string, kind?: string): string {
  const filter = `weir.artifact.${subjectToken(cluster)}`;
  return kind === undefined ? `${filter}.>` : `${filter}.${subjectToken(kind)}.>`;
}

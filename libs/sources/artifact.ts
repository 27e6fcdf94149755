import type { Artifact } from '@weir/api';

const ORIGIN_REVISION = 'org.opencontainers.image.revision';

/** The commit that the content of an artifact comes from, when a pipeline packed it elsewhere (an OCI annotation). */
export function originRevision({ metadata }: Artifact): string | undefined {
  return metadata?.[ORIGIN_REVISION];
}

/** Identifies the content of an artifact: equal for artifacts with the same revision and digest. */
export function artifactId({ revision, digest }: Pick<Artifact, 'revision' | 'digest'>): string {
  return `${revision} ${digest}`;
}

import type { Artifact } from '@weir/api';

const ORIGIN_REVISION = 'org.opencontainers.image.revision';

/** The commit that an artifact was made from where it was packed elsewhere (an OCI annotation). */
export function originRevision({ metadata }: Artifact): string | undefined {
  return metadata?.[ORIGIN_REVISION];
}

/** The same for artifacts that hold the same under the same name. */
export function artifactId({ revision, digest }: Pick<Artifact, 'revision' | 'digest'>): string {
  return `${revision} ${digest}`;
}

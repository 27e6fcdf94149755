// What decides an artifact's contents besides the commit, and the fields of the status that record it.
import { isDeepStrictEqual } from 'node:util';
import type { Artifact, GitRepository, GitRepositorySpec, GitRepositoryStatus } from '@weir/api';

type Inclusion = NonNullable<GitRepositorySpec['include']>[number];

/** An artifact of another GitRepository, part of which goes into this one's. */
export interface Included {
  /** The name of the other GitRepository. */
  name: string;
  digest: string;
  fromPath: string;
  toPath: string;
}

export interface Contents {
  ignore?: string | undefined;
  sparseCheckout?: string[] | undefined;
  recurseSubmodules?: boolean | undefined;
  lfs?: boolean | undefined;
  includes: Included[];
}

/**
 * The contents that the spec asks for.
 * @param artifacts those of spec.include, in its order
 */
export function contentsOf(spec: GitRepositorySpec, artifacts: readonly Artifact[]): Contents {
  const { ignore, sparseCheckout, recurseSubmodules, lfs } = spec;
  const includes = joined(spec.include, artifacts);
  return { ignore, sparseCheckout, recurseSubmodules, lfs, includes };
}

/** The contents that the artifact of the status was made with, to make the same again. */
export function observedContents(status: GitRepositoryStatus): Contents {
  return {
    ignore: status.observedIgnore,
    sparseCheckout: status.observedSparseCheckout,
    recurseSubmodules: status.observedRecurseSubmodules,
    lfs: status.observedLfs,
    includes: joined(status.observedInclude, status.includedArtifacts ?? []),
  };
}

function joined(include: readonly Inclusion[] = [], artifacts: readonly Artifact[]): Included[] {
  return include.map(({ repository, fromPath = '', toPath }, index) => ({
    name: repository.name,
    digest: artifacts[index]?.digest ?? '',
    fromPath,
    toPath: toPath || repository.name,
  }));
}

/** The fields of the status that record what an artifact was made with; undefined removes one. */
export function observedFields({ include, ...spec }: GitRepositorySpec, artifacts: Artifact[]) {
  return {
    observedIgnore: spec.ignore,
    observedSparseCheckout: spec.sparseCheckout?.length ? spec.sparseCheckout : undefined,
    observedRecurseSubmodules: spec.recurseSubmodules || undefined,
    observedLfs: spec.lfs || undefined,
    observedInclude: include?.length ? include : undefined,
    includedArtifacts: artifacts.length > 0 ? artifacts : undefined,
  };
}

/** Whether the artifact of the status was made with all of this. */
export function isObserved({ spec, status = {} }: GitRepository, artifacts: Artifact[]): boolean {
  const { includedArtifacts: _, ...wanted } = observedFields(spec, artifacts);
  const isSame = Object.entries(wanted).every(([field, value]) =>
    isDeepStrictEqual(status[field as keyof typeof wanted], value),
  );
  return isSame && areIncluded(status, artifacts);
}

/** Whether the artifact of the status includes these artifacts of other GitRepositories. */
export function areIncluded(
  { includedArtifacts = [] }: Pick<GitRepositoryStatus, 'includedArtifacts'>,
  artifacts: readonly Artifact[],
): boolean {
  const identities = (list: readonly Artifact[]) =>
    list.map(({ revision, digest }) => [revision, digest]);
  return isDeepStrictEqual(identities(includedArtifacts), identities(artifacts));
}

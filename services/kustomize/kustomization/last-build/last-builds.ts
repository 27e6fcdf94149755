// What each Kustomization was last applied from. A new artifact or an interval that would give the same again needs no
// build.
import type { Kustomization } from '@weir/api';
import { createBoundedMap } from '@weir/async';
import { objectKey } from '@weir/kube';
import type { Trace } from '@weir/render';

/**
 * What the last complete run of a Kustomization built and applied. Whatever else comes to decide what is
 * applied, and is neither in the artifact nor in the spec, has to be here.
 */
export interface CompletedBuild {
  /** The revision that was applied. */
  revision: string;
  /** Digest of the artifact that was built. */
  artifact: string;
  /** Digest of the built manifests, for the history. */
  digest: string;
  /** Every path that the build looked at. */
  trace: Trace;
  /** Keyed digest of the variables' values and of the keys for decryption. */
  inputs: string;
  /** Digest of the inventory that the run left. */
  inventory: string;
  /** Whether all of it is watched for drift: what was left to others is not, and what may vanish. */
  watched: boolean;
}

export interface LastBuild extends CompletedBuild {
  uid: string | undefined;
  generation: number | undefined;
  /** When the cluster was last checked against it, by `performance.now()`. */
  checkedAt: number;
  /** When all of it was last compared by a dry-run, by `performance.now()`. */
  comparedAt: number;
}

export interface LastBuilds {
  /** Remembers that this was just applied or found in place; `compared` if every object was asked about. */
  remember(object: Kustomization, build: CompletedBuild, compared: boolean): LastBuild;
  /** Another revision or artifact gives the same objects; `checked` if the cluster was checked for them. */
  update(
    object: Kustomization,
    to: Pick<LastBuild, 'revision' | 'artifact'>,
    options: { checked: boolean },
  ): void;
  /** What the object, as it is now, was applied from; undefined when its spec changed since. */
  recall(object: Kustomization): LastBuild | undefined;
  forget(key: string): void;
}

/** Paths of all traces together, at some 200 bytes each: 40 MB. */
const MAX_PATHS = 200_000;

/** Holds as many as fit; those used least recently go first, which costs them a build. */
export function createLastBuilds(maxPaths = MAX_PATHS): LastBuilds {
  const builds = createBoundedMap<string, { build: LastBuild; paths: number }>({
    max: maxPaths,
    weigh: ({ paths }) => paths,
  });

  function recall(object: Kustomization): LastBuild | undefined {
    const build = builds.get(objectKey(object))?.build;
    const { uid, generation } = object.metadata;
    return build?.uid === uid && build?.generation === generation ? build : undefined;
  }

  return {
    recall,
    forget: builds.delete,
    remember(object, completed, compared) {
      const { uid, generation } = object.metadata;
      const checkedAt = performance.now();
      const before = recall(object)?.comparedAt ?? checkedAt;
      const comparedAt = compared ? checkedAt : before;
      const build = { uid, generation, ...completed, checkedAt, comparedAt };
      builds.set(objectKey(object), { build, paths: pathsIn(build.trace) });
      return build;
    },
    update(object, to, { checked }) {
      const before = recall(object);
      if (before === undefined) return;
      const checkedAt = checked ? performance.now() : before.checkedAt;
      const build = { ...before, ...to, checkedAt };
      const key = objectKey(object);
      builds.set(key, { build, paths: builds.get(key)?.paths ?? pathsIn(build.trace) });
    },
  };
}

/** With one more for the build itself. */
function pathsIn({ files, dirs, kinds }: Trace): number {
  return [files, dirs, kinds].reduce((sum, seen) => sum + Object.keys(seen).length, 1);
}

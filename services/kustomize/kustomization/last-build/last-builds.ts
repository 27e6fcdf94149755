// What each Kustomization was last applied from. A run whose build would give the same result needs no build.
import type { Kustomization } from '@weir/api';
import { createBoundedMap } from '@weir/async';
import { objectKey } from '@weir/kube';
import type { Trace } from '@weir/render';

/**
 * What the last complete run of a Kustomization built and applied. Every input that decides what is applied, and is
 * neither in the artifact nor in the spec, has to be here.
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
  /** Digest of the inventory after the run. */
  inventory: string;
  /** Whether all objects are watched for drift. Objects with ignored fields and Jobs that delete themselves are not. */
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
  /** Records that this was just applied or found unchanged; `compared` if every object was compared by a dry-run. */
  remember(object: Kustomization, build: CompletedBuild, compared: boolean): LastBuild;
  /** Records that another revision or artifact gives the same objects; `checked` if the cluster was checked as well. */
  update(
    object: Kustomization,
    to: Pick<LastBuild, 'revision' | 'artifact'>,
    options: { checked: boolean },
  ): void;
  /** What the object in its present state was applied from; undefined when its spec has changed since. */
  recall(object: Kustomization): LastBuild | undefined;
  forget(key: string): void;
}

/** Paths of all traces together, at some 200 bytes each: 40 MB. */
const MAX_PATHS = 200_000;

/** Keeps as many as fit. Of a Kustomization whose entry was dropped, the least recently used, the next run builds. */
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

/** One more stands for the build itself. */
function pathsIn({ files, dirs, kinds }: Trace): number {
  return [files, dirs, kinds].reduce((sum, seen) => sum + Object.keys(seen).length, 1);
}

import type { Artifact } from '@weir/api';
import { type AppliedObject, isWatched } from '@weir/apply';
import { objectKey } from '@weir/kube';
import { inventoryDigest } from '../apply/inventory.ts';
import type { Build } from '../build/build.ts';
import { inputsDigest } from '../build/inputs.ts';
import type { ClusterRun } from '../run.ts';

/** Remembers a complete run for the next artifact and the next interval, and saves it for the next process. */
export function rememberBuild(
  { env, object, status, cluster }: ClusterRun,
  { revision, digest: artifact }: Artifact,
  { digest, trace, ...inputs }: Build,
  applied: readonly AppliedObject[],
): void {
  const completed = {
    ...{ revision, artifact, digest, trace },
    inputs: inputsDigest(env.digest, inputs),
    inventory: inventoryDigest(status.report().fields.inventory),
    watched: isWatched(applied),
  };
  const compared = applied.every(({ intact }) => intact === undefined);
  const { uid, generation } = env.lastBuilds.remember(object, completed, compared);
  const objects = cluster.drift.lastApplied(objectKey(object));
  env.savedBuilds.save(object, { build: { uid, generation, ...completed }, objects });
}

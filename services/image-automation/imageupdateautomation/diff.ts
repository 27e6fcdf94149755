// Shows the commit that an automation would make now, without a push: `npm run services -- diff imageupdateautomation
// <ns>/<name>`.
import { GitRepository, ImagePolicy, ImageUpdateAutomation, resolveReference } from '@weir/api';
import { showCommit } from '@weir/git';
import { createPool } from '@weir/render';
import { type Diff, engineMemoryBytes, openIdentities } from '@weir/service';
import { type Base, checkOut } from './checkout.ts';
import { change, commit, respectedImages, valuesOf, withMirror } from './commit.ts';
import type { SyncEnvironment } from './environment.ts';
import type { Mirror } from './mirror.ts';
import { openSync } from './open.ts';
import { chosenImages } from './policies.ts';
import { proposalsOf } from './propose.ts';
import { remoteOf } from './remote.ts';
import type { ImageRef } from './setters/marker.ts';
import { branchRef, type SyncInputs } from './sync-inputs.ts';
import { invalidSource, targetOf } from './target.ts';

export const diff: Diff = async (ref, { client, settings, log, storageDir, signal }) => {
  const object = await client.get<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
  const { items } = await client.list<ImagePolicy>(ImagePolicy, { namespace: ref.namespace });
  const chosen = chosenImages(object, items);
  const source = await client.get<GitRepository>(
    GitRepository,
    resolveReference(object.spec.sourceRef, object),
  );
  const { git } = object.spec;
  if (git === undefined) {
    throw invalidSource("source kind 'GitRepository' necessitates field .spec.git");
  }
  const pool = await createPool({ size: 1, memoryLimitBytes: engineMemoryBytes(settings), log });
  const identities = openIdentities({ client, settings });
  try {
    const environment = openSync({ client, identities, settings, storageDir, pool, log, signal });
    const remote = await remoteOf(source, object, environment, signal);
    const target = targetOf(object, source);
    // A signature doesn't affect what a commit changes, so none is made.
    const inputs: SyncInputs = {
      ...{ object, remote, target, chosen, signal, sign: undefined },
      ...{ isChanged: true, isQuick: false, mayHavePushed: false },
    };
    const repositories = await environment.repositories;
    return await repositories.use(remote.key, async (dir) => {
      const mirror = await environment.mirrors.open(remote.key, dir);
      const branches = git.pullRequest
        ? proposalsOf(git.pullRequest, target.pushBranch, chosen)
        : [{ branch: target.pushBranch, chosen }];
      const others = git.pullRequest ? branches.map(({ branch }) => branchRef(branch)) : undefined;
      const base = await checkOut(mirror, inputs, environment, others);
      if (base === undefined) throw new Error('a run that is changed checks out');
      const respected = await respectedImages(mirror, base.commit, inputs, environment);
      const texts: string[] = [];
      for (const { branch, chosen: own } of branches) {
        const images = new Map([...own].filter(([name]) => respected.has(name)));
        texts.push(await describe(mirror, base, { branch, images }, inputs, environment));
      }
      return texts.join('\n');
    });
  } finally {
    identities.close();
    await pool.close();
  }
};

async function describe(
  mirror: Mirror,
  base: Base,
  { branch, images }: { branch: string; images: ReadonlyMap<string, ImageRef> },
  inputs: SyncInputs,
  environment: SyncEnvironment,
): Promise<string> {
  const { url } = inputs.remote;
  const own = { ...inputs, values: valuesOf(inputs, images) };
  const made = await withMirror(mirror, inputs, environment, async (repository) => {
    const changed = await change(repository, base.commit, mirror, own, environment);
    return changed && commit(repository, base.commit, changed, inputs, environment);
  });
  if (made === undefined)
    return `nothing to push to branch '${branch}' of ${url}: ${base.revision} is as the policies say\n`;
  const { timeoutMs } = inputs.target;
  const shown = await showCommit({
    dir: mirror.dir,
    commit: made.commit,
    timeoutMs,
    signal: inputs.signal,
  });
  return `would push to branch '${branch}' of ${url}:\n\n${shown}`;
}

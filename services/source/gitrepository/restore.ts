import { type GitRepository, parseDuration, parseRevision } from '@weir/api';
import type { KubeClient } from '@weir/kube';
import { readRemote } from './credentials.ts';
import type { Fetcher } from './fetch.ts';

/**
 * Fetches and packs the revision in an object's status again, for an artifact that the store lost. Any replica may:
 * the content decides where it goes.
 */
export async function restoreArtifact(
  object: GitRepository,
  deps: { client: KubeClient; fetcher: Fetcher; signal: AbortSignal },
): Promise<void> {
  const revision = object.status?.artifact?.revision ?? '';
  const commit = parseRevision(revision)?.hash;
  if (commit === undefined) return;
  const remote = await readRemote(deps.client, object, deps.signal);
  const timeoutMs = parseDuration(object.spec.timeout ?? '60s');
  const wanted = { remote, ref: object.spec.ref, timeoutMs };
  await deps.fetcher.store(wanted, { commit, revision }, object.status?.observedIgnore);
}

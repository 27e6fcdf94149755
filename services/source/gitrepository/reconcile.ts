// One GitRepository from top to bottom: what the remote has now, fetched and stored if it is new, announced to everybody.
import { GitRepository, parseDuration } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { describeArtifact } from '../shared/artifacts.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import type { SourceWords } from '../shared/source.ts';
import type { Wanted } from './conversation.ts';
import { type Remote, readRemote } from './credentials.ts';
import type { Fetcher } from './fetch.ts';
import { refuseUnsupportedFields } from './unsupported.ts';
import { verifyRevision } from './verify.ts';

/** What Flux's default is. */
const DEFAULT_TIMEOUT = '60s';

/** What Flux calls things here. */
export const words: SourceWords<GitRepository> = {
  outdated: (_, revision) => `new upstream revision '${revision}'`,
  stored: ({ revision }) => `stored artifact for revision '${revision}'`,
  storedEvent: ({ status }) => storedCommit(status?.artifact?.revision ?? ''),
};

function storedCommit(subject: string): string {
  return `stored artifact for commit '${subject}'`;
}

export interface GitRepositoryEnvironment extends SourceEnvironment {
  fetcher: Fetcher;
}

/** Brings one GitRepository up to date; any part of it may have been done before and is then only looked at. */
export async function reconcile(
  found: GitRepository,
  context: ReconcileContext,
  informer: Informer<GitRepository>,
  environment: GitRepositoryEnvironment,
): Promise<Outcome> {
  const { client, fetcher, address } = environment;
  const run = await beginRun(found, context, informer, { kind: GitRepository, words }, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  const { ignore } = object.spec;
  try {
    refuseUnsupportedFields(object);
    const remote = await readRemote(client, object, signal);
    const wanted = wantedOf(object, remote);
    const resolved = await context.waiting(() => orAborted(fetcher.resolve(wanted), signal));
    const verified = await verifyRevision(run, wanted, resolved, fetcher);
    const fields = { observedIgnore: ignore, ...verified };
    const isSame = object.status?.observedIgnore === ignore;
    const current = await currentArtifact(run, resolved.revision, isSame);
    if (current !== undefined) return await succeed(run, { artifact: current, fields });

    const snapshot = await context.waiting(() =>
      orAborted(fetcher.store(wanted, resolved, ignore), signal),
    );
    const artifact = describeArtifact(object, resolved.revision, snapshot, address);
    return await succeed(run, { artifact, event: storedCommit(snapshot.subject), fields });
  } catch (error) {
    return await fail(run, error);
  }
}

/** What an object wants from its remote; each Git operation may take `spec.timeout`. */
export function wantedOf({ metadata, spec }: GitRepository, remote: Remote): Wanted {
  const timeoutMs = parseDuration(spec.timeout ?? DEFAULT_TIMEOUT);
  return { tenant: metadata.namespace ?? '', remote, ref: spec.ref, timeoutMs };
}

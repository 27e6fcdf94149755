// Reconciles one GitRepository, from top to bottom: asks the remote for its revision, fetches and stores it if it is
// new, and announces the artifact.
import { GitRepository } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { GitError } from '@weir/git';
import { findCause } from '@weir/reconcile';
import { type AppTokens, type Remote, readRemote } from '@weir/sources/git';
import { describeArtifact } from '../shared/artifacts.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import type { SourceWords } from '../shared/source.ts';
import { timeoutOf } from '../shared/timeouts.ts';
import { contentsOf, isObserved, observedFields } from './contents.ts';
import { resolveFailure, type Wanted } from './conversation.ts';
import type { Fetcher } from './fetch.ts';
import { findIncludes } from './includes.ts';
import { refuseUnsupportedFields } from './unsupported.ts';
import { verifyRevision } from './verify.ts';

/** Flux's messages for GitRepositories. */
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
  tokens: AppTokens;
}

/** Reconciles one GitRepository once. Steps that are done already are only checked. */
export async function reconcile(
  found: GitRepository,
  context: ReconcileContext,
  informer: Informer<GitRepository>,
  environment: GitRepositoryEnvironment,
): Promise<Outcome> {
  const { client, identities, fetcher, tokens, address } = environment;
  const run = await beginRun(found, context, informer, { kind: GitRepository, words }, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  let remote: Remote | undefined;
  try {
    refuseUnsupportedFields(object);
    // The request for a token of a GitHub App or of a cloud may take long, so it holds no worker.
    const access = { tokens, identities, signal };
    remote = await context.waiting(() => orAborted(readRemote(client, object, access), signal));
    const included = findIncludes(run, informer);
    const wanted = wantedOf(object, remote);
    const resolved = await context.waiting(() =>
      orAborted(fetcher.resolve(wanted), signal).catch((cause: unknown) => {
        throw resolveFailure(cause, object);
      }),
    );
    const verified = await verifyRevision(run, wanted, resolved, fetcher);
    const fields = { ...observedFields(object.spec, included), ...verified };
    const isSame = isObserved(object, included);
    const current = await currentArtifact(run, resolved.revision, isSame);
    if (current !== undefined) return await succeed(run, { artifact: current, fields });

    const snapshot = await context.waiting(() =>
      orAborted(fetcher.store(wanted, resolved, contentsOf(object.spec, included)), signal),
    );
    const artifact = describeArtifact(object, resolved.revision, snapshot, address);
    const { subject, author } = snapshot;
    const event = storedCommit(subject);
    return await succeed(run, { artifact, event, fields, commit: { subject, author } });
  } catch (error) {
    if (remote?.app && findCause(error, isRefusal)) tokens.forget(remote.app);
    return await fail(run, error);
  }
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof GitError && cause.reason === 'AuthenticationFailed';
}

/** What an object wants from its remote; each Git operation may take `spec.timeout`. */
export function wantedOf({ metadata, spec }: GitRepository, remote: Remote): Wanted {
  const timeoutMs = timeoutOf(spec);
  return { tenant: metadata.namespace ?? '', remote, ref: spec.ref, timeoutMs };
}

// One GitRepository from top to bottom: what the remote has now, fetched and stored if it is new, told to everybody.
import {
  FINALIZER,
  GitRepository,
  isRequested,
  parseDuration,
  Reason,
  STALLED,
  unsupportedMessage,
} from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import { orAborted } from '@weir/async';
import {
  addFinalizer,
  createStatusWriter,
  type Informer,
  type Outcome,
  type ReconcileContext,
  removeFinalizer,
} from '@weir/controller';
import type { Recorder } from '@weir/events';
import { GitError } from '@weir/git';
import type { KubeClient } from '@weir/kube';
import { artifactUrl, describeArtifact, isArtifactLost } from './artifacts.ts';
import { readRemote } from './credentials.ts';
import { SourceFailure } from './failure.ts';
import type { Fetcher } from './fetch.ts';
import type { Publisher } from './publish.ts';
import {
  failed,
  hasFailed,
  inProgress,
  isAwaited,
  type Progress,
  stalled,
  succeeded,
  tellsOf,
} from './status.ts';
import { unsupportedIn } from './unsupported.ts';

export interface Dependencies {
  client: KubeClient;
  informer: Informer<GitRepository>;
  fetcher: Fetcher;
  store: ArtifactStore;
  publisher: Publisher;
  recorder: Recorder;
  /** URL under which other services reach the artifact server. */
  address: string;
}

const fieldManager = 'source-controller';

/** Brings one GitRepository up to date; any part of it may have been done before and is then only looked at. */
export async function reconcile(
  object: GitRepository,
  context: ReconcileContext,
  deps: Dependencies,
): Promise<Outcome> {
  const { client, informer } = deps;
  const writing = { fieldManager, informer, guard: context.guard, log: context.log };
  if (object.metadata.deletionTimestamp) {
    deps.publisher.withdraw(object);
    await removeFinalizer(client, GitRepository, object, FINALIZER, writing);
    return {};
  }
  object = await addFinalizer(client, GitRepository, object, FINALIZER, writing);
  if (object.spec.suspend) return {};

  const status = createStatusWriter(client, GitRepository, object, writing);
  const progress: Progress = {};
  try {
    refuseUnsupported(object);
    if (isAwaited(object)) status.progress(inProgress(object, progress));
    const { artifact, subject } = await fetchArtifact(object, context, deps, progress, () =>
      status.progress(inProgress(object, progress)),
    );
    const written = await status.finish(succeeded(object, artifact));
    await announce(object, written, subject, context, deps);
    return { requeueAfterMs: parseDuration(object.spec.interval) };
  } catch (error) {
    if (isStopped(error, context)) return {};
    if (!(error instanceof SourceFailure)) throw error;
    const news =
      !tellsOf(object, error) || isRequested(object, object.status?.lastHandledReconcileAt);
    await status.finish(error.stalled ? stalled(object, error) : failed(object, error, progress));
    if (news) report(object, error, deps);
    return error.stalled ? {} : { retry: error };
  }
}

/** Asks the remote; fetches and stores what it has if that isn't the artifact that the status names. */
async function fetchArtifact(
  object: GitRepository,
  context: ReconcileContext,
  deps: Dependencies,
  progress: Progress,
  progressed: () => void,
) {
  const { client, fetcher, store } = deps;
  const { spec, status } = object;
  const signal = AbortSignal.any([context.signal, context.superseded]);
  const remote = await readRemote(client, object, signal);
  const wanted = { remote, ref: spec.ref, timeoutMs: parseDuration(spec.timeout ?? '60s') };

  const [resolved, lost] = await Promise.all([
    context.waiting(() => orAborted(fetcher.resolve(wanted), signal)),
    isArtifactLost(store, status?.artifact),
  ]);
  const before = status?.artifact;
  const unchanged =
    before?.revision === resolved.revision && status?.observedIgnore === spec.ignore;
  if (before && unchanged && !lost) {
    return { artifact: { ...before, url: artifactUrl(deps.address, before.path) } };
  }

  if (before?.revision !== resolved.revision) progress.newRevision = resolved.revision;
  progress.artifactLost = lost;
  progressed();
  const snapshot = await context.waiting(() =>
    orAborted(fetcher.store(wanted, resolved, spec.ignore), signal),
  );
  const artifact = describeArtifact(object, resolved.revision, snapshot, deps.address);
  return { artifact, subject: snapshot.subject };
}

/** Publishes the artifact and the event; each is found missing the next time if we stop before it. */
async function announce(
  before: GitRepository,
  written: GitRepository,
  subject: string | undefined,
  { log }: ReconcileContext,
  { publisher }: Dependencies,
): Promise<void> {
  const artifact = written.status?.artifact;
  const old = before.status?.artifact;
  if (!artifact) return;
  const moved = old?.revision !== artifact.revision || old.digest !== artifact.digest;
  const reason = old?.digest !== artifact.digest ? Reason.NewArtifact : Reason.Succeeded;
  if (moved) publisher.publish(written);
  if (reason === Reason.NewArtifact || hasFailed(before)) {
    log.info({ revision: artifact.revision, digest: artifact.digest }, 'stored artifact');
    publisher.recordStored(written, reason, subject ?? artifact.revision);
  }
  await publisher.ensure(written);
}

function refuseUnsupported(object: GitRepository): void {
  const fields = unsupportedIn(object);
  if (fields.length === 0) return;
  throw new SourceFailure(STALLED, Reason.UnsupportedField, unsupportedMessage(fields));
}

function report(object: GitRepository, failure: SourceFailure, { recorder }: Dependencies): void {
  const { reason, message } = failure;
  recorder.event(object, { severity: 'error', reason, message });
}

/** Whether an error only says that this run is no longer wanted. */
function isStopped(error: unknown, { signal, superseded }: ReconcileContext): boolean {
  if (signal.aborted || superseded.aborted) return true;
  return error instanceof GitError && error.reason === 'Aborted';
}

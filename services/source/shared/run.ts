// The steps that begin and end a reconciliation of every kind of source. A kind's reconcile.ts calls them.
import { type Artifact, Reason } from '@weir/api';
import type { CommitHint } from '@weir/artifact';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import {
  beginObjectRun,
  failObjectRun,
  intervalMs,
  type ObjectRun,
  setFields,
} from '@weir/reconcile';
import { asServed, isArtifactLost } from './artifacts.ts';
import {
  asBegun,
  asLost,
  asOutdated,
  asStored,
  CONDITION_TYPES,
  hasFailed,
  isAwaited,
} from './conditions.ts';
import type { SourceEnvironment, SourceKind } from './kind.ts';
import type { SourceObject, SourceStatus, SourceWords } from './source.ts';

const FIELD_MANAGER = 'source-controller';

/** One run of one object: its inputs, and the status that it reports so far. */
export interface SourceRun<T extends SourceObject> extends ObjectRun<T, SourceStatus> {
  words: SourceWords<T>;
  environment: SourceEnvironment;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone or suspended, or it is being deleted, in
 * which case its announcement is removed and then its finalizer.
 */
export async function beginRun<T extends SourceObject>(
  found: T,
  context: ReconcileContext,
  informer: Informer<T>,
  { kind, words }: Pick<SourceKind<T>, 'kind' | 'words'>,
  environment: SourceEnvironment,
): Promise<SourceRun<T> | undefined> {
  const { client, publisher } = environment;
  const run = await beginObjectRun<T, SourceStatus>(found, context, {
    ...{ client, kind, informer, fieldManager: FIELD_MANAGER, types: CONDITION_TYPES },
    release: (object) => publisher.withdraw(object),
    begun: asBegun,
    isAwaited,
  });
  return run && { ...run, words, environment };
}

/**
 * The artifact that the status names, if it has this revision, is still in the store, and was made as the spec says
 * now. Undefined when it has to be made, which the status then explains.
 * @param isSame whether everything else that decides the artifact's contents, such as `spec.ignore`, is unchanged
 */
export async function currentArtifact<T extends SourceObject>(
  { object, words, environment, status }: SourceRun<T>,
  revision: string,
  isSame: boolean,
): Promise<Artifact | undefined> {
  const before = object.status?.artifact;
  const lost = await isArtifactLost(environment.store, before);
  if (before?.revision === revision && isSame && !lost) {
    return asServed(object, before, environment.address);
  }
  if (before?.revision !== revision) {
    const { outdated, outdatedReason } = words;
    status.update((it) => asOutdated(it, object, outdated(object, revision), outdatedReason));
  }
  if (before?.revision === revision && lost) status.update(asLost);
  status.show();
  return undefined;
}

/** The result of a successful run. */
export interface Stored {
  artifact: Artifact;
  /** Reason and message of Ready and of the event, where this run knows more than the artifact says. */
  result?: { reason: string; message: string };
  /** The message of the event, where this run knows more than the status says. */
  event?: string;
  /** Subject and author of a Git commit. */
  commit?: CommitHint;
  /** Fields of the kind's status besides the artifact; undefined removes one. */
  fields?: Record<string, unknown>;
}

/** Writes the final status of a successful run, and announces the artifact. */
export async function succeed<T extends SourceObject>(
  { object, words, context, environment, status }: SourceRun<T>,
  { artifact, result, event, commit, fields = {} }: Stored,
): Promise<Outcome> {
  const { message, reason } = result ?? { message: words.stored(artifact), reason: undefined };
  status.update((report) => setFields(asStored(report, artifact, message, reason), fields));
  const written = await status.finish();
  const said = { message: event ?? result?.message ?? words.storedEvent(written), reason, commit };
  await announce(object, written, said, context, environment);
  const { interval } = object.spec;
  if (interval === undefined) return {};
  return { requeueAfterMs: intervalMs(interval, environment.minIntervalMs) };
}

/** Publishes the artifact and the event. If the process stops before that, the next run publishes them. */
async function announce(
  before: SourceObject,
  written: SourceObject,
  said: { message: string; reason: string | undefined; commit: CommitHint | undefined },
  { log }: ReconcileContext,
  { publisher }: SourceEnvironment,
): Promise<void> {
  const artifact = written.status?.artifact;
  if (!artifact) return;
  const old = before.status?.artifact;
  const isNew = old?.digest !== artifact.digest;
  const newReason = said.reason ?? Reason.NewArtifact;
  if (old?.revision !== artifact.revision || old.digest !== artifact.digest) {
    publisher.publish(written, said.commit);
  }
  if (isNew || hasFailed(before)) {
    log.info({ revision: artifact.revision, digest: artifact.digest }, 'stored artifact');
    const reason = isNew ? newReason : (said.reason ?? Reason.Succeeded);
    publisher.recordStored(written, { message: said.message, reason, isNew });
  }
  await publisher.ensure(written, { message: said.message, reason: newReason });
}

/**
 * Writes the final status of a failed run, and publishes an event unless the status had the same failure before and no
 * run was requested. The previous artifact stays. Rejects with an error that is no Failure, which makes the controller
 * try again.
 */
export function fail(run: SourceRun<SourceObject>, error: unknown): Promise<Outcome> {
  const { recorder, signal } = run.environment;
  return failObjectRun(run, error, { recorder, stopping: signal });
}

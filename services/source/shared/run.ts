// The steps that reconciliations of all kinds of sources begin and end with. A kind's reconcile.ts calls them in its order.
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

/** One run of one object: what it was given, and what it says so far. */
export interface SourceRun<T extends SourceObject> extends ObjectRun<T, SourceStatus> {
  words: SourceWords<T>;
  environment: SourceEnvironment;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone or suspended, or it is being deleted, and
 * then its artifact is withdrawn and its finalizer taken away.
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
 * The artifact that the status names, if it is of this revision, is still in the store, and was made as the spec says
 * now. Undefined when it has to be made; the status says why from then on.
 * @param isSame whether what else decides the artifact's contents, such as `spec.ignore`, is as it was
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

/** How a run ended well. */
export interface Stored {
  artifact: Artifact;
  /** What Ready says, and the event, where this run knows more than the artifact does. */
  result?: { reason: string; message: string };
  /** What the event says where this run knows more than the status does. */
  event?: string;
  /** What a Git commit is about, and whose it is. */
  commit?: CommitHint;
  /** Fields of the kind's status besides the artifact; undefined removes one. */
  fields?: Record<string, unknown>;
}

/** Writes the end of a run that has an artifact, and announces the artifact. */
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

/** Publishes the artifact and the event; each is found missing the next time if the process stops before it. */
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
 * Writes the end of a run that failed, and records it unless the status said so before and nobody asked. The artifact
 * of before stays. Rejects with what is no Failure: the controller tries that again by itself.
 */
export function fail(run: SourceRun<SourceObject>, error: unknown): Promise<Outcome> {
  const { recorder, signal } = run.environment;
  return failObjectRun(run, error, { recorder, stopping: signal });
}

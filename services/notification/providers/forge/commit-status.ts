// Commit statuses: how an event becomes the status of a commit, whichever forge has it.
import { Reason } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import type { SetStatus } from '@weir/forge';
import { DeliveryError } from '../../delivery/errors.ts';
import { isError, isProgressing, reasonInWords } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';
import { type AccessFor, asProvider, repositoryOf } from './call.ts';

export interface Forge {
  set: SetStatus;
  access: AccessFor;
  /** What the forge groups statuses by. */
  genre?(event: FluxEvent): string;
}

/** The type of Provider that sets commit statuses at a forge. */
export function commitStatus({ set, access, genre }: Forge): ProviderType {
  return {
    takesCommitStatus: true,
    certificates: 'secretRef too',
    address: 'any',
    namesStatuses: true,
    send: (event, target, io) =>
      asProvider(async () => {
        // Both are checked first, so that a Provider that can never work fails with any event.
        const repository = repositoryOf(target);
        const { call, credentials } = await access(target, io);
        const id = await statusId(event, target, io);
        if (!concernsCommit(event)) return;
        const { kind, name } = event.involvedObject;
        const commit = commitOf(event);
        const status = {
          commit,
          id,
          name: `${kind}/${name}`.toLowerCase(),
          state: stateOf(event),
          description: reasonInWords(event),
          ...(genre ? { genre: genre(event) } : {}),
        };
        await inOrder(event, `status/${target.provider.uid}/${id}/${commit}`, io, () =>
          set({ call, repository, credentials, status }),
        );
      }),
  };
}

/** `kustomization/apps/<first part of the Provider's UID>`, or what the Provider's expression makes of the event. */
async function statusId(event: FluxEvent, target: Target, io: Io): Promise<string> {
  const { provider } = target;
  const { kind, name } = event.involvedObject;
  const expression = provider.commitStatusExpr;
  if (!expression) return `${kind.toLowerCase()}/${name}/${provider.uid.split('-')[0]}`;
  const variables = {
    event,
    alert: io.alert,
    provider: provider.object,
  };
  try {
    return await io.evaluate(expression, variables);
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    throw new DeliveryError(
      error.reason,
      `failed to create commit status: failed to evaluate the spec.commitStatusExpr CEL expression for the event: ${error.message}`,
      { permanent: error.permanent, cause: error },
    );
  }
}

/**
 * Sets a status, unless a later event has set it: two alerts can send to one Provider, and one of them may have waited for
 * another attempt meanwhile. Later is what happened later, and in one second what came later.
 */
async function inOrder(
  event: FluxEvent,
  key: string,
  io: Io,
  set: () => Promise<void>,
): Promise<void> {
  // A time in the future is not stored, because it would block later statuses.
  const atMs = Math.min(Date.parse(event.timestamp) || 0, Date.now());
  const kept = io.kept(key);
  await io.serial(key, async () => {
    const last = ((await kept.get()) ?? {}) as { atMs?: unknown; order?: unknown };
    const lastMs = Number(last.atMs ?? 0);
    const isStale = atMs < lastMs || (atMs === lastMs && io.order < Number(last.order ?? 0));
    if (isStale) return;
    // It is stored before the status is set, so that another replica with an earlier event sees it from here on.
    await kept.put({ atMs, order: io.order });
    await set();
  });
}

/**
 * A failure does, what a controller or the object itself says to be about a commit, and what begins: something was
 * applied, and is looked at.
 */
function concernsCommit(event: FluxEvent): boolean {
  const { commit_status: update, commit } = event.metadata ?? {};
  if (isError(event) || update === 'update' || commit !== undefined) return true;
  return (isProgressing(event) || isCanceled(event)) && hasCommit(event);
}

function stateOf(event: FluxEvent): 'pending' | 'success' | 'failure' {
  if (isError(event) || isCanceled(event)) return 'failure';
  return isProgressing(event) ? 'pending' : 'success';
}

/** Another revision has replaced this one before it was checked: its status would stay pending without end. */
function isCanceled({ reason }: FluxEvent): boolean {
  return reason === Reason.HealthCheckCanceled;
}

/**
 * The commit that the event is about: its metadata `commit`, or the one in `originRevision` or `revision`, such as
 * `main@sha1:<hex>`. Throws DeliveryError where there is none.
 */
export function commitOf(event: FluxEvent): string {
  const revision = revisionOf(event);
  if (!revision) throw new DeliveryError('InvalidEvent', 'missing revision metadata');
  const commit = commitIn(revision);
  if (commit !== undefined) return commit;
  const shown = revision.slice(0, 200);
  throw new DeliveryError('InvalidEvent', `failed to extract commit hash from '${shown}' revision`);
}

function hasCommit(event: FluxEvent): boolean {
  return commitIn(revisionOf(event)) !== undefined;
}

function revisionOf({ metadata = {} }: FluxEvent): string {
  return metadata.commit ?? metadata.originRevision ?? metadata.revision ?? '';
}

function commitIn(revision: string): string | undefined {
  // `main/<hex>` is how older controllers write it.
  return /(?:^|[:/])([0-9a-f]{40}|[0-9a-f]{64})$/.exec(revision)?.[1];
}

// Commit statuses: how an event becomes the status of a commit, whichever forge has it.

import type { FluxEvent } from '@weir/events';
import type { ForgeCredentials, SetStatus } from '@weir/forge';
import { DeliveryError } from '../../delivery/errors.ts';
import { isError, isProgressing, reasonInWords } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';
import { asProvider, forgeCall, repositoryOf } from './call.ts';

export interface Forge {
  set: SetStatus;
  credentials(target: Target, io: Io): ForgeCredentials | Promise<ForgeCredentials>;
  /** Whether it shows work that is under way. */
  showsPending?: true;
  /** What the forge groups statuses by. */
  genre?(event: FluxEvent): string;
}

/** The type of Provider that sets commit statuses at a forge. */
export function commitStatus({ set, credentials, showsPending, genre }: Forge): ProviderType {
  return {
    takesCommitStatus: true,
    certificates: 'secretRef too',
    address: 'any',
    namesStatuses: true,
    send: (event, target, io) =>
      asProvider(async () => {
        // Both are looked at first, so that a Provider that can never work says so with whatever event.
        const repository = repositoryOf(target);
        const resolved = await credentials(target, io);
        const id = await statusId(event, target, io);
        if (!concernsCommit(event) || (isProgressing(event) && !showsPending)) return;
        const { kind, name } = event.involvedObject;
        const status = {
          commit: commitOf(event),
          id,
          name: `${kind}/${name}`.toLowerCase(),
          state: stateOf(event),
          description: reasonInWords(event),
          ...(genre ? { genre: genre(event) } : {}),
        };
        await set({ call: forgeCall(io), repository, credentials: resolved, status });
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

/** A failure does, and of everything else what a controller or the object itself says to be about a commit. */
function concernsCommit(event: FluxEvent): boolean {
  const { commit_status: update, commit } = event.metadata ?? {};
  return isError(event) || update === 'update' || commit !== undefined;
}

function stateOf(event: FluxEvent): 'pending' | 'success' | 'failure' {
  if (isProgressing(event)) return 'pending';
  return isError(event) ? 'failure' : 'success';
}

/**
 * The commit that the event is about: its metadata `commit`, or the one in `originRevision` or `revision`, such as
 * `main@sha1:<hex>`. Throws DeliveryError where there is none.
 */
export function commitOf({ metadata = {} }: FluxEvent): string {
  const revision = metadata.commit ?? metadata.originRevision ?? metadata.revision;
  if (!revision) throw new DeliveryError('InvalidEvent', 'missing revision metadata');
  // `main/<hex>` is how older controllers write it.
  const commit = /(?:^|[:/])([0-9a-f]{40}|[0-9a-f]{64})$/.exec(revision)?.[1];
  if (commit !== undefined) return commit;
  const shown = revision.slice(0, 200);
  throw new DeliveryError('InvalidEvent', `failed to extract commit hash from '${shown}' revision`);
}

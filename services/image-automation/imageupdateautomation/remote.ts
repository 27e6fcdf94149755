// Conversations with the Git server of an automation's GitRepository, and the failures of such conversations.
import { type GitRepository, type ImageUpdateAutomation, Reason } from '@weir/api';
import {
  GitError,
  type GitLimits,
  type GitSlots,
  type NetworkPolicy,
  type RemoteOptions,
} from '@weir/git';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import { type AppTokens, type Remote, readRemote } from '@weir/sources/git';
import { invalidSource, sourceFailure } from './target.ts';

export interface RemoteEnvironment {
  client: KubeClient;
  tokens: AppTokens;
  identities: Identities;
  slots: GitSlots;
  gitLimits: GitLimits;
  network: NetworkPolicy;
}

/**
 * The address and credentials of the GitRepository, read from the Secrets of its own namespace as Flux does. A service
 * account for a cloud is looked up in the automation's namespace, as in Flux.
 * @throws Failure SourceManagerFailed, or InvalidSourceConfiguration, FeatureGateDisabled (stalled)
 */
export async function remoteOf(
  source: GitRepository,
  { metadata }: Pick<ImageUpdateAutomation, 'metadata'>,
  { client, tokens, identities }: RemoteEnvironment,
  signal: AbortSignal,
): Promise<Remote> {
  const accountNamespace = metadata.namespace;
  try {
    return await readRemote(client, source, { tokens, identities, accountNamespace, signal });
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    if (cause.reason === Reason.FeatureGateDisabled) {
      throw new Failure(cause.reason, cause.message, { stalled: true, cause });
    }
    if (cause.reason === Reason.InvalidProviderConfiguration) throw invalidSource(cause.message);
    const message = cause.message.replace(/^failed to get secret /, 'failed to get auth secret ');
    throw sourceFailure(message.replace(/^failed to parse url /, 'failed to parse URL '), cause);
  }
}

/** The options of each conversation with a remote; `ask` is for those that transfer little. */
export function conversation(
  remote: Remote,
  { metadata }: ImageUpdateAutomation,
  timeoutMs: number,
  { slots, gitLimits, network }: RemoteEnvironment,
  signal: AbortSignal,
): { ask: RemoteOptions; transfer: RemoteOptions } {
  const user = { namespace: metadata.namespace ?? '', host: new URL(remote.url).host };
  const { url, auth, proxy } = remote;
  const options = { url, auth, proxy, timeoutMs, signal, network, limits: gitLimits };
  return {
    ask: { ...options, slot: (work) => slots.ask(user, work) },
    transfer: { ...options, slot: (work) => slots.transfer(user, work) },
  };
}

/** The failure of fetching, for the object's status. */
export function checkoutFailure(cause: unknown): unknown {
  if (!(cause instanceof GitError) || cause.reason === 'Aborted') return cause;
  const message = cause.message.replace(/^unable to list remote for /, 'unable to clone ');
  return gitFailure(`failed to checkout source: ${message}`, cause);
}

/** The failure of changing the files. */
export function updateFailure(cause: unknown): unknown {
  if (!(cause instanceof GitError) || cause.reason === 'Aborted') return cause;
  const message = `failed to apply policies: ${cause.message}`;
  return new Failure(Reason.UpdateFailed, message, { cause });
}

/** The failure of making or pushing a commit. */
export function pushFailure(cause: unknown): unknown {
  if (!(cause instanceof GitError) || cause.reason === 'Aborted') return cause;
  return gitFailure(`failed to update source: ${messageOf(cause)}`, cause);
}

function gitFailure(message: string, cause: GitError): Failure {
  return new Failure(Reason.GitOperationFailed, message, { cause });
}

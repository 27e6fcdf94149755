// The inputs of one run of an automation, and its result.
import type { ImageUpdateAutomation } from '@weir/api';
import type { RemoteOptions } from '@weir/git';
import type { Remote } from '@weir/sources/git';
import type { SyncEnvironment } from './environment.ts';
import { conversation } from './remote.ts';
import type { ImageRef } from './setters/marker.ts';
import type { Sign } from './signing.ts';
import type { Target } from './target.ts';

export interface SyncInputs {
  object: ImageUpdateAutomation;
  remote: Remote;
  target: Target;
  /** The choices of the policies, by their names. */
  chosen: ReadonlyMap<string, ImageRef>;
  sign: Sign | undefined;
  /** Whether the policies or something else changed, so that the run continues even for a known revision. */
  isChanged: boolean;
  /**
   * Whether only policies changed: then the branch is assumed to be unchanged, and the push is refused if it is not.
   */
  isQuick: boolean;
  /** Whether the remote may have a commit of ours that no status records, because a process ended in between. */
  mayHavePushed: boolean;
  signal: AbortSignal;
}

/** How a run ended. */
export interface Synced {
  /** The revision that was read, or made. */
  revision: string;
  /** Nothing was done: neither the policies nor the remote has changed. */
  isSame?: boolean;
  /** The commits that were pushed; more than one only where each policy has a branch. */
  pushed: readonly Pushed[];
  /** Further remarks, a line each. */
  notes?: readonly string[];
}

export interface Pushed {
  commit: string;
  branch: string;
  refspec: string | undefined;
  message: string;
  when: Date;
}

/** The options of each conversation with the remote; `ask` is for those that transfer little. */
export function conversationOf(
  { remote, object, target, signal }: SyncInputs,
  environment: SyncEnvironment,
): { ask: RemoteOptions; transfer: RemoteOptions } {
  return conversation(remote, object, target.timeoutMs, environment, signal);
}

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** The revision that the last run read or made. */
export function seenBefore({ object }: SyncInputs): string {
  return object.status?.observedSourceRevision ?? '';
}

// What one run of an automation wants from its repository, and what becomes of it.
import type { ImageUpdateAutomation } from '@weir/api';
import type { RemoteOptions } from '@weir/git';
import type { Remote } from '@weir/sources/git';
import type { SyncEnvironment } from './environment.ts';
import { conversation } from './remote.ts';
import type { ImageRef } from './setters/marker.ts';
import type { Sign } from './signing.ts';
import type { Target } from './target.ts';

export interface Wanted {
  object: ImageUpdateAutomation;
  remote: Remote;
  target: Target;
  /** What the policies chose, by their names. */
  chosen: ReadonlyMap<string, ImageRef>;
  sign: Sign | undefined;
  /** Whether the policies or something else changed, so that a revision that was seen before doesn't suffice. */
  isChanged: boolean;
  /** Whether only policies changed: then the branch is taken to be what it was, which the push finds out. */
  isQuick: boolean;
  /** Whether a commit of ours may be at the remote that no status tells of: a process ended between the two. */
  mayHavePushed: boolean;
  signal: AbortSignal;
}

/** How a run ended. */
export interface Synced {
  /** The revision that was seen, or made. */
  revision: string;
  /** Nothing was looked at: neither the policies nor the remote has changed. */
  isSame?: boolean;
  /** The commits that were pushed; more than one only where each policy has a branch. */
  pushed: readonly Pushed[];
  /** What else happened, a line each. */
  notes?: readonly string[];
}

export interface Pushed {
  commit: string;
  branch: string;
  refspec: string | undefined;
  message: string;
  when: Date;
}

/** What each conversation with the remote needs; `ask` is for those that transfer little. */
export function conversationOf(
  { remote, object, target, signal }: Wanted,
  environment: SyncEnvironment,
): { ask: RemoteOptions; transfer: RemoteOptions } {
  return conversation(remote, object, target.timeoutMs, environment, signal);
}

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** The revision that the last run saw or made. */
export function seenBefore({ object }: Wanted): string {
  return object.status?.observedSourceRevision ?? '';
}

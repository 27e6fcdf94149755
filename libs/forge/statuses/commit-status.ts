// The status of a commit, as the forges show it beside the commit and in pull requests.
import type { ForgeCall } from '../call.ts';
import type { ForgeCredentials } from '../credentials.ts';
import type { ForgeRepository } from '../repository.ts';

export interface CommitStatus {
  /** The commit's hexadecimal id. */
  commit: string;
  /** Which status of the commit it is: two with the same id replace each other. */
  id: string;
  /** What it is about, for forges that show this beside the id, such as `kustomization/apps`. */
  name: string;
  state: 'pending' | 'success' | 'failure';
  description: string;
  /** What a status belongs to, where the forge has groups of them. */
  genre?: string;
}

export interface StatusRequest {
  call: ForgeCall;
  repository: ForgeRepository;
  credentials: ForgeCredentials;
  status: CommitStatus;
}

/**
 * Sets the status of a commit. What is there is read first: the same status isn't set again, as a forge may notify people
 * of it. Rejects with a ForgeError for what can't be asked for, and with what `call` rejects with.
 */
export type SetStatus = (request: StatusRequest) => Promise<void>;

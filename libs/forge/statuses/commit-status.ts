// The status of a commit, as the forges show it beside the commit and in pull requests.
import type { ForgeCall } from '../call.ts';
import type { ForgeCredentials } from '../credentials.ts';
import type { ForgeRepository } from '../repository.ts';

export interface CommitStatus {
  /** The commit's hexadecimal id. */
  commit: string;
  /** Identifies the status of the commit: a status replaces another with the same id. */
  id: string;
  /** What it is about, for forges that show this in addition to the id, such as `kustomization/apps`. */
  name: string;
  state: 'pending' | 'success' | 'failure';
  description: string;
  /** The group of the status, for forges that have groups. */
  genre?: string;
}

export interface StatusRequest {
  call: ForgeCall;
  repository: ForgeRepository;
  credentials: ForgeCredentials;
  status: CommitStatus;
}

/**
 * Sets the status of a commit. The present status is read first: the same one isn't set again, because a forge may
 * notify people of it. Rejects with a ForgeError for invalid requests, and like `call`.
 */
export type SetStatus = (request: StatusRequest) => Promise<void>;

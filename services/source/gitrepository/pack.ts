import { Reason } from '@weir/api';
import { type Packed, packArtifact, sortByPath } from '@weir/artifact';
import {
  GitError,
  type GitLimits,
  listTree,
  readCommit,
  readFiles,
  shortMessage,
  type TreeLimits,
  withObjects,
} from '@weir/git';
import { messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import { withoutIgnored } from '../shared/ignore.ts';
import { archiveFailure, fetchFailure } from '../shared/snapshots.ts';

export interface PackOptions {
  /** The bare repository that holds the commit. */
  dir: string;
  commit: string;
  /** `spec.ignore`. */
  ignore: string | undefined;
  limits: TreeLimits;
  /** What a git process may take. */
  gitLimits: GitLimits;
  /** Folder for the tar.gz. */
  artifactDir: string;
  /** Bytes of the tar.gz, at most. */
  maxPackedBytes: number;
  pool: RenderPool;
  /** The namespace on whose behalf ignore rules are applied. */
  tenant: string;
  /** Milliseconds for each of the steps. */
  timeoutMs: number;
  signal: AbortSignal;
}

export interface PackedCommit {
  packed: Packed;
  /** The commit's subject, shortened for messages. */
  subject: string;
}

/**
 * Packs the files of a commit that `.sourceignore` files and spec.ignore leave.
 * @throws Failure with the condition that Flux sets for the step that failed
 */
export async function packCommit(options: PackOptions): Promise<PackedCommit> {
  try {
    const { dir, commit, limits, timeoutMs, signal, gitLimits } = options;
    return await withObjects({ dir, timeoutMs, signal, limits: gitLimits }, async (objects) => {
      const subject = shortMessage(await readCommit(objects, commit));
      const entries = await listTree(objects, commit, limits.maxFiles);
      const kept = await withoutIgnored(entries, (wanted) => readFiles(objects, wanted), options);
      const files = readFiles(objects, sortByPath(kept), limits.maxBytes);
      const target = { dir: options.artifactDir, maxBytes: options.maxPackedBytes };
      return { packed: await packArtifact(files, target), subject };
    });
  } catch (cause) {
    const gitFailed = cause instanceof GitError && cause.reason !== 'LimitExceeded';
    if (!gitFailed) throw archiveFailure(cause);
    const message = `failed to checkout and determine revision: ${messageOf(cause)}`;
    throw fetchFailure(Reason.GitOperationFailed, message, cause);
  }
}

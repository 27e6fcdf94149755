import { FETCH_FAILED, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { ArtifactError, type ArtifactStore, type Packed, packArtifact } from '@weir/artifact';
import {
  GitError,
  type GitLimits,
  listTree,
  readCommit,
  shortMessage,
  type TreeEntry,
  type TreeLimits,
  withObjects,
} from '@weir/git';
import { Failure, messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import { withoutIgnored } from '../shared/ignore.ts';
import { archiveFailure, fetchFailure } from '../shared/snapshots.ts';
import type { Contents, Included } from './contents.ts';
import { type Listed, layOut, type Placed, sparse } from './layout.ts';
import { readPlaced } from './read-placed.ts';

export interface PackOptions {
  /** The bare repository that holds the commit. */
  dir: string;
  commit: string;
  /** The files of the commit with those of its submodules; those of the commit alone unless given. */
  entries?: readonly TreeEntry[] | undefined;
  contents: Contents;
  /** Where included artifacts are had from. */
  artifacts: Pick<ArtifactStore, 'file' | 'fileIndex'>;
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
 * Packs the files of a commit, of its submodules and of included artifacts, as far as `.sourceignore` files and the spec
 * leave them.
 * @throws Failure with the condition that Flux sets for the step that failed
 */
export async function packCommit(options: PackOptions): Promise<PackedCommit> {
  try {
    const { dir, commit, limits, timeoutMs, signal, gitLimits, contents } = options;
    return await withObjects({ dir, timeoutMs, signal, limits: gitLimits }, async (objects) => {
      const subject = shortMessage(await readCommit(objects, commit));
      const all = options.entries ?? (await listTree(objects, commit, limits.maxFiles));
      const { kept, missing } = sparse(all, contents.sparseCheckout);
      if (missing !== undefined) throw missingFolder(missing);
      const archives: string[] = [];
      const listed = listIncluded(contents.includes, archives, options);
      const isAlone = contents.includes.length === 0;
      const placed: Placed[] = isAlone
        ? kept.map((entry) => ({ path: entry.path, entry }))
        : await layOut(kept, listed, limits);
      const read = (wanted: readonly Placed[]) =>
        readPlaced(wanted, { objects, archives, maxBytes: limits.maxBytes });
      const ignoring = { ...options, ignore: contents.ignore };
      const files = read(await withoutIgnored(placed, read, ignoring));
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

function missingFolder(folder: string): Failure {
  const what = `sparse checkout dir '${folder}' does not exist in repository`;
  const message = `failed to sparse checkout directories : ${what}`;
  return new Failure(Reason.GitOperationFailed, message, { condition: FETCH_FAILED });
}

/** Lists what included artifacts hold, one after the other, and gives `archives` the file of each. */
async function* listIncluded(
  includes: readonly Included[],
  archives: string[],
  { artifacts }: PackOptions,
): AsyncGenerator<Listed> {
  for (const included of includes) {
    try {
      archives.push(await artifacts.file(included.digest));
      yield { included, paths: Object.keys(await artifacts.fileIndex(included.digest)) };
    } catch (cause) {
      if (!(cause instanceof ArtifactError)) throw cause;
      const message = `failed to copy '${included.name}' include: ${cause.message}`;
      throw new Failure(Reason.CopyFailure, message, {
        condition: STORAGE_OPERATION_FAILED,
        cause,
      });
    }
  }
}

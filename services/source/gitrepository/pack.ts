import { FETCH_FAILED, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { type Packed, packArtifact } from '@weir/artifact';
import {
  GitError,
  listTree,
  type ObjectReader,
  readCommit,
  readFiles,
  shortMessage,
  type TreeEntry,
  type TreeLimits,
  withObjects,
} from '@weir/git';
import { Failure, messageOf } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';

export interface PackOptions {
  /** The bare repository that holds the commit. */
  dir: string;
  commit: string;
  /** `spec.ignore`. */
  ignore: string | undefined;
  limits: TreeLimits;
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
    const { commit, limits } = options;
    return await withObjects(options, async (objects) => {
      const subject = shortMessage(await readCommit(objects, commit));
      const entries = await listTree(objects, commit, limits.maxFiles);
      const kept = await withoutIgnored(objects, entries, options);
      return { packed: await packArtifact(readFiles(objects, kept, limits.maxBytes)), subject };
    });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const gitFailed = cause instanceof GitError && cause.reason !== 'LimitExceeded';
    throw gitFailed
      ? new Failure(
          Reason.GitOperationFailed,
          `failed to checkout and determine revision: ${messageOf(cause)}`,
          { condition: FETCH_FAILED, cause },
        )
      : new Failure(
          Reason.ArchiveOperationFailed,
          `unable to archive artifact to storage: ${messageOf(cause)}`,
          { condition: STORAGE_OPERATION_FAILED, cause },
        );
  }
}

async function withoutIgnored(
  objects: ObjectReader,
  entries: TreeEntry[],
  { pool, tenant, signal, timeoutMs, ignore: rules, limits }: PackOptions,
): Promise<TreeEntry[]> {
  const isIgnoreFile = ({ path }: TreeEntry) => /(^|\/)\.sourceignore$/.test(path);
  const ignoreFiles = [];
  for await (const { path, content } of readFiles(
    objects,
    entries.filter(isIgnoreFile),
    limits.maxBytes,
  )) {
    ignoreFiles.push({ path, content: content.toString('utf8') });
  }
  try {
    const paths = entries.map((entry) => entry.path);
    const request = { rules, ignoreFiles, paths };
    const kept = new Set((await pool.ignore(request, { tenant, signal, timeoutMs })).kept);
    return entries.filter((entry) => kept.has(entry.path));
  } catch (cause) {
    if (!(cause instanceof RenderError)) throw cause;
    throw new Failure(
      'SourceIgnoreError',
      `failed to load source ignore patterns from repository: ${cause.message}`,
      { condition: STORAGE_OPERATION_FAILED, cause },
    );
  }
}

import { FETCH_FAILED, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { type Packed, packArtifact, sortByPath } from '@weir/artifact';
import {
  GitError,
  type GitLimits,
  listTree,
  type ObjectReader,
  readCommit,
  readFiles,
  shortMessage,
  type TreeEntry,
  type TreeLimits,
  wholeContent,
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
      const kept = await withoutIgnored(objects, entries, options);
      const files = readFiles(objects, sortByPath(kept), limits.maxBytes);
      const target = { dir: options.artifactDir, maxBytes: options.maxPackedBytes };
      return { packed: await packArtifact(files, target), subject };
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

/** All `.sourceignore` files together, in bytes: every pattern is matched with every path. */
const MAX_IGNORE_BYTES = 256 * 1024;
/** Paths that are matched with one request: it is text in memory, here and in the engine. */
const PATHS_AT_A_TIME = 5_000;
/** The longest that one request may take, in ms: the engine does it for all namespaces. */
const MAX_IGNORE_MS = 30_000;

async function withoutIgnored(
  objects: ObjectReader,
  entries: TreeEntry[],
  options: PackOptions,
): Promise<TreeEntry[]> {
  const { pool, tenant, signal, ignore: rules } = options;
  const timeoutMs = Math.min(options.timeoutMs, MAX_IGNORE_MS);
  const ignoreFiles = await readIgnoreFiles(objects, entries);
  try {
    const kept: TreeEntry[] = [];
    for (let at = 0; at < entries.length; at += PATHS_AT_A_TIME) {
      const some = entries.slice(at, at + PATHS_AT_A_TIME);
      const request = { rules, ignoreFiles, paths: some.map((entry) => entry.path) };
      const names = new Set((await pool.ignore(request, { tenant, signal, timeoutMs })).kept);
      for (const entry of some) if (names.has(entry.path)) kept.push(entry);
    }
    return kept;
  } catch (cause) {
    if (!(cause instanceof RenderError)) throw cause;
    throw new Failure(
      'SourceIgnoreError',
      `failed to load source ignore patterns from repository: ${cause.message}`,
      { condition: STORAGE_OPERATION_FAILED, cause },
    );
  }
}

async function readIgnoreFiles(objects: ObjectReader, entries: TreeEntry[]) {
  const wanted = entries.filter(({ path }) => /(^|\/)\.sourceignore$/.test(path));
  const files: { path: string; content: string }[] = [];
  let left = MAX_IGNORE_BYTES;
  for await (const file of readFiles(objects, wanted)) {
    const content = await wholeContent(file, left, `the sum of all .sourceignore files`);
    left -= content.length;
    files.push({ path: file.path, content: content.toString('utf8') });
  }
  return files;
}

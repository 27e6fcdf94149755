// Leaves out of an artifact what `.sourceignore` files and spec.ignore exclude.
import { Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { ArtifactError, type StreamedFile } from '@weir/artifact';
import { Failure } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';

/** Bytes of all `.sourceignore` files together: every pattern is matched with every path. */
const MAX_IGNORE_BYTES = 256 * 1024;
/** Paths that are matched in one request. They are in memory, here and in the engine. */
const PATHS_AT_A_TIME = 5_000;
/** The time limit of one request, in ms: all namespaces share the engine. */
const MAX_IGNORE_MS = 30_000;

export interface IgnoreOptions {
  /** `spec.ignore`. */
  ignore: string | undefined;
  /** Leaves out only what the rules name, and not folders of version control by default. */
  noDefaults?: boolean;
  pool: RenderPool;
  /** The namespace on whose behalf rules are applied. */
  tenant: string;
  /** Milliseconds for each request to the engine. */
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * The files that the rules keep, in the order given.
 * @param read reads the files asked for, which are the `.sourceignore` files among them
 * @throws Failure SourceIgnoreError; ArtifactError ArtifactTooLarge; what `read` throws
 */
export async function withoutIgnored<T extends { path: string }>(
  files: readonly T[],
  read: (wanted: T[]) => AsyncIterable<Pick<StreamedFile, 'path' | 'content'>>,
  { pool, tenant, signal, ignore: rules, noDefaults = false, ...options }: IgnoreOptions,
): Promise<T[]> {
  const timeoutMs = Math.min(options.timeoutMs, MAX_IGNORE_MS);
  const wanted = files.filter(({ path }) => /(^|\/)\.sourceignore$/.test(path));
  const ignoreFiles = await readWhole(read(wanted));
  try {
    const kept: T[] = [];
    for (let at = 0; at < files.length; at += PATHS_AT_A_TIME) {
      const some = files.slice(at, at + PATHS_AT_A_TIME);
      const request = { rules, ignoreFiles, noDefaults, paths: some.map(({ path }) => path) };
      const names = new Set((await pool.ignore(request, { tenant, signal, timeoutMs })).kept);
      for (const file of some) if (names.has(file.path)) kept.push(file);
    }
    return kept;
  } catch (cause) {
    if (!(cause instanceof RenderError)) throw cause;
    throw new Failure(
      Reason.SourceIgnoreError,
      `failed to load source ignore patterns from repository: ${cause.message}`,
      { condition: STORAGE_OPERATION_FAILED, cause },
    );
  }
}

async function readWhole(files: AsyncIterable<Pick<StreamedFile, 'path' | 'content'>>) {
  const read: { path: string; content: string }[] = [];
  let left = MAX_IGNORE_BYTES;
  for await (const { path, content } of files) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) {
      left -= chunk.length;
      if (left < 0) {
        const message = `the sum of all .sourceignore files has more than ${MAX_IGNORE_BYTES} bytes`;
        throw new ArtifactError('ArtifactTooLarge', message);
      }
      chunks.push(chunk);
    }
    read.push({ path, content: Buffer.concat(chunks).toString('utf8') });
  }
  return read;
}

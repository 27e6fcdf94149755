import { FETCH_FAILED, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { ArtifactError, type ArtifactStore, type Packed, packArtifact } from '@weir/artifact';
import {
  findPointers,
  GitError,
  type GitLimits,
  type LfsPointer,
  listTree,
  type ObjectReader,
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
  /** The store that has the included artifacts. */
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
  /** The name of the commit's author. */
  author: string;
}

/**
 * Fetches contents, and returns for each oid the file with its content.
 * @throws GitError
 */
export type FetchPointed = (pointers: Iterable<LfsPointer>) => Promise<(oid: string) => string>;

/** The files of an artifact, before their contents are read. */
interface Selected {
  subject: string;
  author: string;
  files: Placed[];
  /** The archives of the included artifacts. */
  archives: string[];
}

/**
 * Packs the files of a commit, of its submodules and of included artifacts, without those that `.sourceignore` files
 * and the spec leave out.
 * @param fetchPointed fetches the contents of LFS pointers; without it pointers stay as they are
 * @throws Failure with the condition that Flux sets for the step that failed
 */
export async function packCommit(
  options: PackOptions,
  fetchPointed?: FetchPointed,
): Promise<PackedCommit> {
  try {
    const { dir, timeoutMs, signal, gitLimits: limits } = options;
    const reading = { dir, timeoutMs, signal, limits };
    if (fetchPointed === undefined) {
      return await withObjects(reading, async (objects) =>
        pack(await select(objects, options), objects, options),
      );
    }
    const [selected, pointers] = await withObjects(reading, async (objects) => {
      const found = await select(objects, options);
      return [found, await pointersOf(found.files, objects, options)] as const;
    });
    const pathOf = await fetchPointed(pointers.values());
    const files = selected.files.map((file) => withContent(file, pointers, pathOf));
    return await withObjects(reading, (objects) => pack({ ...selected, files }, objects, options));
  } catch (cause) {
    const gitFailed = cause instanceof GitError && cause.reason !== 'LimitExceeded';
    if (!gitFailed) throw archiveFailure(cause);
    const message = `failed to checkout and determine revision: ${messageOf(cause)}`;
    throw fetchFailure(Reason.GitOperationFailed, message, cause);
  }
}

async function select(objects: ObjectReader, options: PackOptions): Promise<Selected> {
  const { commit, limits, contents } = options;
  const found = await readCommit(objects, commit);
  const [subject, author] = [shortMessage(found), found.author.name];
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
  return { subject, author, archives, files: await withoutIgnored(placed, read, ignoring) };
}

async function pack(
  { subject, author, files, archives }: Selected,
  objects: ObjectReader,
  { limits, artifactDir, maxPackedBytes }: PackOptions,
): Promise<PackedCommit> {
  const read = readPlaced(files, { objects, archives, maxBytes: limits.maxBytes });
  return {
    ...{ subject, author },
    packed: await packArtifact(read, { dir: artifactDir, maxBytes: maxPackedBytes }),
  };
}

/** The pointers among the repository's own files. Those of submodules belong to other LFS servers. */
async function pointersOf(
  files: readonly Placed[],
  objects: ObjectReader,
  { commit, limits, entries }: PackOptions,
): Promise<Map<string, LfsPointer>> {
  const placed = files.flatMap((file) => ('entry' in file ? [file.entry] : []));
  const isOwn =
    entries === undefined ? () => true : ownFiles(await listTree(objects, commit, limits.maxFiles));
  return findPointers(objects, placed.filter(isOwn), limits.maxBytes);
}

function ownFiles(tree: readonly TreeEntry[]): (entry: TreeEntry) => boolean {
  const paths = new Set(tree.map(({ path }) => path));
  return ({ path }) => paths.has(path);
}

function withContent(
  file: Placed,
  pointers: ReadonlyMap<string, LfsPointer>,
  pathOf: (oid: string) => string,
): Placed {
  const pointer = 'entry' in file ? pointers.get(file.entry.id) : undefined;
  if (pointer === undefined || !('entry' in file)) return file;
  return { ...file, lfs: { file: pathOf(pointer.oid), size: pointer.size } };
}

function missingFolder(folder: string): Failure {
  const what = `sparse checkout dir '${folder}' does not exist in repository`;
  const message = `failed to sparse checkout directories : ${what}`;
  return new Failure(Reason.GitOperationFailed, message, { condition: FETCH_FAILED });
}

/**
 * Lists the files of included artifacts, one artifact after the other, and adds the path of each archive to `archives`.
 */
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

// Reads the signed objects of a revision: the commit, and the annotated tag that led to it.
import { Reason } from '@weir/api';
import {
  fetchCommit,
  fetchTag,
  GitError,
  type ObjectReader,
  type Resolved,
  readSignedCommit,
  readSignedTag,
  type SignedObject,
  type SignedTag,
  withObjects,
} from '@weir/git';
import { Failure } from '@weir/reconcile';
import { conversation, type FetcherOptions, failureOf, type Wanted } from './conversation.ts';

export interface SignedRevision {
  commit: SignedObject;
  tag?: SignedTag;
  /** The commit that the tag itself names; what the server said may be wrong. */
  tagged?: string;
}

/** Tags of tags, at most: each is another object to read. */
const MAX_NESTED_TAGS = 5;

/**
 * Fetches a commit with its tag and reads both.
 * @throws Failure
 */
export async function readSigned(
  wanted: Wanted,
  { commit, ref, tag }: Resolved,
  options: FetcherOptions,
): Promise<SignedRevision> {
  const remote = conversation(wanted, options);
  const { timeoutMs, signal, limits } = remote;
  try {
    return await options.repositories.use(wanted.remote.key, async (dir) => {
      await fetchCommit({ ...remote, dir, commit, ...(ref === undefined ? {} : { ref }) });
      if (tag?.id !== undefined && ref !== undefined) {
        await fetchTag({ ...remote, dir, ref, id: tag.id });
      }
      const read = { dir, timeoutMs, signal, limits };
      return remote.slot(() =>
        withObjects(read, async (objects) => {
          const signed = { commit: await readSignedCommit(objects, commit) };
          if (tag?.id === undefined) return signed;
          return { ...signed, ...(await readTag(objects, tag.id)) };
        }),
      );
    });
  } catch (cause) {
    if (!(cause instanceof GitError) || cause.reason !== 'SignatureInvalid') throw failureOf(cause);
    const message = `signature verification of commit '${commit}' failed: ${cause.message}`;
    throw new Failure(Reason.InvalidCommitSignature, message, { cause });
  }
}

async function readTag(
  objects: ObjectReader,
  id: string,
): Promise<Pick<SignedRevision, 'tag' | 'tagged'>> {
  const tag = await readSignedTag(objects, id);
  let last = tag;
  for (let depth = 0; last.type === 'tag' && depth < MAX_NESTED_TAGS; depth++) {
    last = await readSignedTag(objects, last.object);
  }
  return { tag, ...(last.type === 'commit' ? { tagged: last.object } : {}) };
}

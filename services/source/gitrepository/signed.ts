// What of a revision is signed: the commit, and the annotated tag that led to it.
import {
  fetchCommit,
  fetchTag,
  type Resolved,
  readSignedCommit,
  readSignedTag,
  type SignedObject,
  type SignedTag,
  withObjects,
} from '@weir/git';
import { conversation, type FetcherOptions, failureOf, type Wanted } from './conversation.ts';

export interface SignedRevision {
  commit: SignedObject;
  tag?: SignedTag;
  /** The commit that the tag leads to: what a server says of that may be wrong. */
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
      return withObjects({ dir, timeoutMs, signal, limits }, async (objects) => {
        const signed = { commit: await readSignedCommit(objects, commit) };
        if (tag?.id === undefined) return signed;
        const first = await readSignedTag(objects, tag.id);
        let last = first;
        for (let depth = 0; last.type === 'tag' && depth < MAX_NESTED_TAGS; depth++) {
          last = await readSignedTag(objects, last.object);
        }
        return {
          ...signed,
          tag: first,
          ...(last.type === 'commit' ? { tagged: last.object } : {}),
        };
      });
    });
  } catch (cause) {
    throw failureOf(cause);
  }
}

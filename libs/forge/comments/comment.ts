import { callJson, type ForgeCall, isRecord, recordsOf } from '../call.ts';
import type { ForgeCredentials } from '../credentials.ts';
import type { ForgeRepository } from '../repository.ts';

/**
 * A comment on a pull request (merge request) that is created once and updated from then on. It is found by `key`,
 * which is part of `text`, among the comments of the same user. Only the oldest 1,000 comments are searched.
 */
export interface CommentRequest {
  call: ForgeCall;
  repository: ForgeRepository;
  credentials: ForgeCredentials;
  /** Number of the pull request. */
  number: number;
  key: string;
  text: string;
}

/** A forge's API for comments. */
export interface CommentApi {
  headers: Readonly<Record<string, string>>;
  /** URL of the user that the credentials belong to. */
  userUrl: string;
  /** The field of a comment with its user, and the field of a user with the name. */
  author: string;
  name: string;
  /** A page of the comments, the oldest first; 100 at a time. */
  listUrl(page: number): string;
  createUrl: string;
  update: { method: 'PATCH' | 'PUT'; url(id: number): string };
}

export const PER_PAGE = 100;
const MAX_PAGES = 10;

/** Creates or updates the comment. Rejects like `call`. */
export async function writeComment(
  { call, key, text }: CommentRequest,
  { headers, userUrl, author, name, listUrl, createUrl, update }: CommentApi,
): Promise<void> {
  const me = await callJson(call, { method: 'GET', url: userUrl, headers });
  const login = isRecord(me) ? me[name] : undefined;

  async function find(): Promise<number | undefined> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const answer = await callJson(call, { method: 'GET', url: listUrl(page), headers });
      const comments = recordsOf(answer);
      const mine = comments.find((comment) => {
        const by = comment[author];
        return isRecord(by) && by[name] === login && String(comment.body).includes(key);
      });
      if (typeof mine?.id === 'number' && Number.isSafeInteger(mine.id)) return mine.id;
      if (comments.length < PER_PAGE) break;
    }
    return undefined;
  }

  const id = await find();
  const body = { body: text };
  if (id === undefined) await call({ method: 'POST', url: createUrl, headers, body });
  else await call({ method: update.method, url: update.url(id), headers, body });
}

// https://docs.gitlab.com/api/notes/#merge-requests
import { tokenOf } from '../credentials.ts';
import { gitLabProjectUrl } from '../gitlab-api.ts';
import { type CommentRequest, PER_PAGE, writeComment } from './comment.ts';

/** Writes a note to a merge request, or changes the one that it wrote before; see `CommentRequest`. */
export async function setGitLabComment(request: CommentRequest): Promise<void> {
  const { repository, credentials, number } = request;
  const url = `${gitLabProjectUrl(repository)}/merge_requests/${number}/notes`;
  await writeComment(request, {
    headers: { 'private-token': tokenOf(credentials) },
    userUrl: `${repository.origin}/api/v4/user`,
    author: 'author',
    name: 'username',
    listUrl: (page) => `${url}?${pageOf(page)}`,
    createUrl: url,
    update: { method: 'PUT', url: (id) => `${url}/${id}` },
  });
}

function pageOf(page: number): URLSearchParams {
  const order = { sort: 'asc', order_by: 'created_at', per_page: String(PER_PAGE) };
  return new URLSearchParams(page === 1 ? order : { ...order, page: String(page) });
}

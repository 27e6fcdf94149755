// https://docs.github.com/en/rest/issues/comments
import { bearerOf, gitHubApi, gitHubRepositoryUrl } from '../github-api.ts';
import { type CommentRequest, PER_PAGE, writeComment } from './comment.ts';

/** Writes a comment to a pull request, or changes the one that it wrote before; see `CommentRequest`. */
export async function setGitHubComment(request: CommentRequest): Promise<void> {
  const { repository, credentials, number } = request;
  const url = `${gitHubRepositoryUrl(repository)}/issues`;
  await writeComment(request, {
    headers: bearerOf(credentials),
    userUrl: `${gitHubApi(repository)}/user`,
    author: 'user',
    name: 'login',
    listUrl: (page) => `${url}/${number}/comments?${pageOf(page)}`,
    createUrl: `${url}/${number}/comments`,
    update: { method: 'PATCH', url: (id) => `${url}/comments/${id}` },
  });
}

function pageOf(page: number): URLSearchParams {
  const order = { sort: 'created', direction: 'asc', per_page: String(PER_PAGE) };
  return new URLSearchParams(page === 1 ? order : { ...order, page: String(page) });
}

// https://docs.gitea.com/api, "issueCreateComment"
import { giteaApi, giteaHeaders, giteaRepositoryUrl } from '../gitea-api.ts';
import { type CommentRequest, PER_PAGE, writeComment } from './comment.ts';

/** Writes a comment to a pull request, or changes the one that it wrote before; see `CommentRequest`. */
export async function setGiteaComment(request: CommentRequest): Promise<void> {
  const { repository, credentials, number } = request;
  const url = `${giteaRepositoryUrl(repository)}/issues`;
  await writeComment(request, {
    headers: giteaHeaders(credentials),
    userUrl: `${giteaApi(repository)}/user`,
    author: 'user',
    name: 'login',
    listUrl: (page) => `${url}/${number}/comments?page=${page}&limit=${PER_PAGE}`,
    createUrl: `${url}/${number}/comments`,
    update: { method: 'PATCH', url: (id) => `${url}/comments/${id}` },
  });
}

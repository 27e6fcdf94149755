// https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
import type { ForgeCall } from './call.ts';
import type { ForgeCredentials } from './credentials.ts';
import { bearerOf, gitHubRepositoryUrl } from './github-api.ts';
import type { ForgeRepository } from './repository.ts';

/** Triggers the workflows of a repository that are for events of `type`. */
export async function dispatchGitHubEvent(request: {
  call: ForgeCall;
  repository: ForgeRepository;
  credentials: ForgeCredentials;
  type: string;
  payload: unknown;
}): Promise<void> {
  const { call, repository, credentials, type, payload } = request;
  await call({
    method: 'POST',
    url: `${gitHubRepositoryUrl(repository)}/dispatches`,
    headers: bearerOf(credentials),
    body: { event_type: type, client_payload: payload },
  });
}

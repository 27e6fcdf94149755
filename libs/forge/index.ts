export type { ForgeCall, ForgeRequest } from './call.ts';
export type { CommentRequest } from './comments/comment.ts';
export { setGiteaComment } from './comments/gitea.ts';
export { setGitHubComment } from './comments/github.ts';
export { setGitLabComment } from './comments/gitlab.ts';
export { type ConnectOptions, connectForge } from './connect.ts';
export type { ForgeCredentials } from './credentials.ts';
export { ForgeError } from './errors.ts';
export {
  checkGitHubApp,
  createInstallationToken,
  type GitHubApp,
  type InstallationToken,
  type TokenOptions,
} from './github-app.ts';
export { dispatchGitHubEvent } from './github-dispatch.ts';
export { type ForgeProvider, openPullRequests, providerOfHost } from './pull-requests/providers.ts';
export type {
  Branches,
  PullRequest,
  PullRequests,
  PullRequestTexts,
} from './pull-requests/pull-request.ts';
export { type ForgeRepository, parseRepository } from './repository.ts';
export { setAzureDevOpsStatus } from './statuses/azure-devops.ts';
export { setBitbucketStatus } from './statuses/bitbucket.ts';
export { setBitbucketServerStatus } from './statuses/bitbucket-server.ts';
export type { CommitStatus, SetStatus, StatusRequest } from './statuses/commit-status.ts';
export { setGiteaStatus } from './statuses/gitea.ts';
export { setGitHubStatus } from './statuses/github.ts';
export { setGitLabStatus } from './statuses/gitlab.ts';

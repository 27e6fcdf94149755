// The remotes of GitRepositories, with URL and credentials, for all services that fetch or push.
export { type AppAccess, type AppTokens, createAppTokens } from './app-tokens.ts';
export { ownershipKey, type Remote, type RemoteAccess, readRemote } from './credentials.ts';

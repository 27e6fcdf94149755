// The remotes of GitRepositories: where they are, and with which credentials, for all who fetch or push.
export { type AppAccess, type AppTokens, createAppTokens } from './app-tokens.ts';
export { ownershipKey, type Remote, type RemoteAccess, readRemote } from './credentials.ts';

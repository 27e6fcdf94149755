export { parseRemoteUrl, type RemoteUrl } from './arguments.ts';
export type { GitAuth } from './auth.ts';
export { type Commit, readCommit, type Signature, shortMessage } from './commit.ts';
export { commitContent, type NewCommit, withSignature } from './commit-object.ts';
export type { NetworkPolicy } from './destination.ts';
export { replaceFiles } from './edit-tree.ts';
export { GitError, type GitReason } from './errors.ts';
export { type FetchOptions, fetchCommit, fetchTag, keepCommit, tidyRepository } from './fetch.ts';
export { folderSize } from './growth.ts';
export { type FetchLfsOptions, fetchLfs } from './lfs/fetch.ts';
export { findPointers, type LfsPointer, parsePointer } from './lfs/pointer.ts';
export { defaultGitLimits, type GitLimits, readGitLimits } from './limits.ts';
export {
  createObjectCache,
  type ObjectCache,
  type Repository,
  withRepository,
} from './object-cache.ts';
export {
  type GitObject,
  type ObjectReader,
  type ReadOptions,
  wholeContent,
  withObjects,
} from './objects.ts';
export { type GitProxy, parseProxy, requestProxy } from './proxy.ts';
export { type PushedRef, type PushOptions, pushCommits, refspecTarget } from './push.ts';
export {
  credentialsFor,
  type ListRemoteOptions,
  listRemote,
  type RemoteOptions,
  type Slot,
} from './remote.ts';
export {
  createRepositoryCache,
  type RepositoryCache,
  type RepositoryCacheOptions,
} from './repositories.ts';
export {
  formatRevision,
  type RefSpec,
  type Resolved,
  resolveRef,
  type VersionHelp,
} from './resolve.ts';
export { showCommit } from './show.ts';
export {
  readSignedCommit,
  readSignedTag,
  type SignedObject,
  type SignedTag,
} from './signed-object.ts';
export { createGitSlots, type GitSlots, type GitUser } from './slots.ts';
export { checkCredentials as checkSshCredentials } from './ssh.ts';
export type { SshCredentials } from './ssh-config.ts';
export { isEncryptedKey } from './ssh-key.ts';
export { type SshSigningKey, signSsh } from './ssh-sign.ts';
export { listWithSubmodules } from './submodules.ts';
export {
  defaultTreeLimits,
  listTree,
  readFiles,
  type TreeEntry,
  type TreeFile,
  type TreeLimits,
} from './tree.ts';
export { type TrustedKeys, verifySignature } from './verify.ts';

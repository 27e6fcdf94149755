export { parseRemoteUrl, type RemoteUrl } from './arguments.ts';
export type { GitAuth } from './auth.ts';
export { type Commit, readCommit, type Signature, shortMessage } from './commit.ts';
export { GitError, type GitReason } from './errors.ts';
export { type FetchOptions, fetchCommit, tidyRepository } from './fetch.ts';
export { type ObjectReader, type ReadOptions, withObjects } from './objects.ts';
export {
  credentialsFor,
  type ListRemoteOptions,
  listRemote,
  type RemoteOptions,
} from './remote.ts';
export {
  formatRevision,
  type RefSpec,
  type Resolved,
  resolveRef,
  type VersionHelp,
} from './resolve.ts';
export {
  defaultTreeLimits,
  listTree,
  readFiles,
  readTree,
  type TreeEntry,
  type TreeFile,
  type TreeLimits,
} from './tree.ts';

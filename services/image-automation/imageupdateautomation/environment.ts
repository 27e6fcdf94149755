// What all runs of ImageUpdateAutomations share.
import type { GitRepository, ImageUpdateAutomation } from '@weir/api';
import type { Informer } from '@weir/controller';
import type { ObjectCache, RepositoryCache } from '@weir/git';
import type { RenderPool } from '@weir/render';
import type { ImageEnvironment } from '../shared/kind.ts';
import type { MarkedFolders, SearchLimits } from './folders.ts';
import type { Mirrors } from './mirror.ts';
import type { RemoteEnvironment } from './remote.ts';
import type { TriedKeys } from './signing.ts';

/** What an update of a branch needs. */
export interface SyncEnvironment extends RemoteEnvironment {
  pool: RenderPool;
  /** Bare repositories on the local disk. */
  repositories: Promise<RepositoryCache>;
  mirrors: Mirrors;
  /** Objects that were read, or made, of all repositories. */
  cache: ObjectCache;
  /** The places of markers. */
  marked: MarkedFolders;
  searchLimits: SearchLimits;
}

export interface AutomationEnvironment
  extends SyncEnvironment,
    Pick<
      ImageEnvironment,
      'policies' | 'recorders' | 'minIntervalMs' | 'noCrossNamespaceRefs' | 'signal' | 'tracing'
    > {
  automations: Informer<ImageUpdateAutomation>;
  /** All GitRepositories, whichever replica owns them. */
  sources: Informer<GitRepository>;
  tried: TriedKeys;
}

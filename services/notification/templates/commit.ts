import { newestArtifact } from '@weir/artifact';
import { type Bus, BusUnavailable, isStreamGone } from '@weir/bus';
import type { ObjectFacts } from './facts.ts';

/** What a template may say of a commit; texts that are not known are empty. */
export interface Commit {
  sha: string;
  subject: string;
  author: string;
}

/**
 * Reads subject and author of the commit of a revision, from what its GitRepository announced last: undefined where that
 * is another revision. `namespace` is that of the object.
 */
export type ReadCommit = (
  object: ObjectFacts,
  namespace: string,
  revision: string,
) => Promise<Pick<Commit, 'subject' | 'author'> | undefined>;

/** With `noCrossNamespaceRefs` a source of another namespace is not read, as its objects may not be used from there. */
export function createReadCommit(bus: Bus, noCrossNamespaceRefs: boolean): ReadCommit {
  return async ({ source }, namespace, revision) => {
    if (source?.kind !== 'GitRepository') return undefined;
    if (noCrossNamespaceRefs && source.namespace !== namespace) return undefined;
    try {
      const announced = await newestArtifact(bus, source);
      return announced?.artifact.revision === revision ? announced.commit : undefined;
    } catch (error) {
      // Without the service source there is nothing that says it, and the message goes without.
      if (error instanceof BusUnavailable || !isStreamGone(error)) throw error;
      return undefined;
    }
  };
}

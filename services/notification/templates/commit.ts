import { newestArtifact } from '@weir/artifact';
import { type Bus, BusUnavailable, isStreamGone } from '@weir/bus';
import type { ObjectFacts } from './facts.ts';

/** The fields of a commit for templates; unknown texts are empty. */
export interface Commit {
  sha: string;
  subject: string;
  author: string;
}

/**
 * Reads subject and author of a revision's commit from the last announcement of its GitRepository: undefined if that is
 * about another revision. `namespace` is that of the object.
 */
export type ReadCommit = (
  object: ObjectFacts,
  namespace: string,
  revision: string,
) => Promise<Pick<Commit, 'subject' | 'author'> | undefined>;

/**
 * With `noCrossNamespaceRefs` a source of another namespace is not read, because its objects must not be used from
 * there.
 */
export function createReadCommit(bus: Bus, noCrossNamespaceRefs: boolean): ReadCommit {
  return async ({ source }, namespace, revision) => {
    if (source?.kind !== 'GitRepository') return undefined;
    if (noCrossNamespaceRefs && source.namespace !== namespace) return undefined;
    try {
      const announced = await newestArtifact(bus, source);
      return announced?.artifact.revision === revision ? announced.commit : undefined;
    } catch (error) {
      // Without the service source there are no announcements, and the message is sent without the commit.
      if (error instanceof BusUnavailable || !isStreamGone(error)) throw error;
      return undefined;
    }
  };
}

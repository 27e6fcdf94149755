import type { FluxEvent } from '@weir/events';
import { parseApiVersion } from '@weir/kube';
import type { Post } from '../delivery/post.ts';
import type { Target } from './target.ts';

/** One chat or webhook service: the shape of its messages, and how it says that it took one. */
export interface Sender {
  /** The request that carries `event`. Pure: it neither reads nor sends. */
  message(event: FluxEvent, target: Target): Post;
  /** Whether it takes events of runs that changed nothing, which are only for commit statuses. */
  takesCommitStatus?: boolean;
  /** Rejects (DeliveryError) an answer that refuses the message in spite of its 2xx status. */
  check?(answer: string): void;
}

/** An event that is for commit statuses: it says that a commit was looked at, not that anything happened. */
export function isCommitStatusUpdate({ involvedObject, metadata }: FluxEvent): boolean {
  const { group } = parseApiVersion(involvedObject.apiVersion);
  return metadata?.[`${group}/commit_status`] === 'update';
}

/** `kustomization/apps.flux-system`: how messages name the object that they are about. */
export function objectTitle({ involvedObject }: FluxEvent): string {
  const { kind, name, namespace } = involvedObject;
  return `${kind.toLowerCase()}/${name}.${namespace}`;
}

/** The metadata in a fixed order, so that the same event always reads the same. */
export function metadataEntries(event: FluxEvent): [string, string][] {
  return Object.entries(event.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

import { type Artifact, formatTime } from '@weir/api';
import { type ArtifactStore, artifactPath, type Packed } from '@weir/artifact';
import { BusUnavailable } from '@weir/bus';
import type { SourceObject } from './source.ts';

/** What `status.artifact` says of a stored snapshot. Keeps the time of the artifact before if it is the same. */
export function describeArtifact(
  object: SourceObject,
  revision: string,
  { digest, size }: Pick<Packed, 'digest' | 'size'>,
  base: string,
): Artifact {
  const before = object.status?.artifact;
  const { namespace = '', name } = object.metadata;
  const path = artifactPath(object.kind, namespace, name, digest);
  const same = before?.digest === digest && before.revision === revision;
  return {
    ...(before?.metadata && same ? { metadata: before.metadata } : {}),
    digest,
    lastUpdateTime: same ? before.lastUpdateTime : formatTime(new Date()),
    path,
    revision,
    size,
    url: artifactUrl(base, path),
  };
}

/** @param base where other services reach the artifact server, see reachableAt() */
export function artifactUrl(base: string, path: string): string {
  return `${base}/${path}`;
}

/**
 * Whether the artifact in the status is gone from the store. While the store can't be asked it counts as there:
 * an outage of NATS is no reason to fetch everything again.
 */
export async function isArtifactLost(
  store: ArtifactStore,
  artifact: Pick<Artifact, 'digest'> | undefined,
): Promise<boolean> {
  if (!artifact) return false;
  try {
    return !(await store.has(artifact.digest));
  } catch (error) {
    if (error instanceof BusUnavailable) return false;
    throw error;
  }
}

import { type Artifact, formatTime } from '@weir/api';
import {
  type ArtifactStore,
  type ArtifactSuffix,
  artifactPath,
  latestPath,
  type Packed,
  pathDigest,
  suffixOf,
} from '@weir/artifact';
import { BusUnavailable } from '@weir/bus';
import type { SourceObject } from './source.ts';

/**
 * The `status.artifact` for a stored snapshot. It keeps the time of the previous artifact if that has the same content.
 */
export function describeArtifact(
  object: SourceObject,
  revision: string,
  {
    digest,
    size,
    metadata,
    suffix,
  }: Pick<Packed, 'digest' | 'size'> & {
    metadata?: Artifact['metadata'] | undefined;
    suffix?: ArtifactSuffix | undefined;
  },
  base: string,
): Artifact {
  const before = object.status?.artifact;
  const { namespace = '', name } = object.metadata;
  const path = artifactPath(object.kind, namespace, name, digest, suffix);
  const same = before?.digest === digest && before.revision === revision;
  return {
    ...(metadata === undefined ? {} : { metadata }),
    digest,
    lastUpdateTime: same ? before.lastUpdateTime : formatTime(new Date()),
    path,
    revision,
    size,
    url: artifactUrl(base, path),
  };
}

/**
 * The artifact that an object has, as this replica serves it. Flux's controller names the files of artifacts in another
 * way; an artifact that it left in the status gets the path for that digest here, although it need not be in the store.
 */
export function asServed(
  { kind, metadata: { namespace = '', name } }: SourceObject,
  artifact: Artifact,
  base: string,
): Artifact {
  const isOwn = pathDigest(artifact.path) === artifact.digest;
  const path = isOwn
    ? artifact.path
    : artifactPath(kind, namespace, name, artifact.digest, suffixOf(artifact.path));
  return { ...artifact, path, url: artifactUrl(base, path) };
}

/** The URL of the newest artifact of an object: `status.url` of the kinds that have it. */
export function latestUrl({ kind, metadata }: SourceObject, base: string, file?: string): string {
  return artifactUrl(base, latestPath(kind, metadata.namespace ?? '', metadata.name, file));
}

/** @param base the URL by which other services reach the artifact server, see reachableAt() */
export function artifactUrl(base: string, path: string): string {
  return `${base}/${path}`;
}

/**
 * Whether the store has lost the artifact of the status. While the store can't be asked, the artifact counts as
 * present: an outage of NATS is no reason to fetch everything again.
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

// Reads the source that a HelmChart is made from, from the API server.
import {
  type Artifact,
  FETCH_FAILED,
  type HelmChart,
  type HelmRepository,
  kinds,
  Reason,
} from '@weir/api';
import { isNotFound, type KubeClient } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import type { SourceObject } from '../shared/source.ts';

/** What a chart is made from. */
export type ChartOrigin =
  | { from: 'registry'; repository: HelmRepository }
  | { from: 'index'; repository: HelmRepository; artifact: Artifact }
  | { from: 'files'; kind: string; artifact: Artifact };

/** @throws Failure SourceUnavailable, NoSourceArtifact */
export async function readOrigin(
  client: KubeClient,
  { spec, metadata }: HelmChart,
  signal: AbortSignal,
): Promise<ChartOrigin> {
  const { kind, name } = spec.sourceRef;
  const { namespace = '' } = metadata;
  const type = kinds.find((it) => it.kind === kind);
  if (type === undefined) throw unavailable(`the kind ${kind} is not served`);
  const source = await client
    .get<SourceObject>(type, { namespace, name }, { signal })
    .catch((cause: unknown) => {
      if (isNotFound(cause)) throw unavailable(`${kind}.${type.group} "${name}" not found`, cause);
      throw unavailable(messageOf(cause), cause);
    });
  const repository = kind === 'HelmRepository' ? (source as HelmRepository) : undefined;
  if (repository?.spec.type === 'oci') return { from: 'registry', repository };
  const artifact = source.status?.artifact;
  if (artifact === undefined) throw noArtifact(kind, name);
  return repository === undefined
    ? { from: 'files', kind, artifact }
    : { from: 'index', repository, artifact };
}

/** The failure for a source without an artifact, or whose artifact nobody has. */
export function noArtifact(kind: string, name: string): Failure {
  const message = `no artifact available for ${kind} source '${name}'`;
  // It has no event: the source itself reports what is wrong, and its next artifact starts a run of the chart.
  return new Failure(Reason.NoSourceArtifact, message, { condition: FETCH_FAILED, event: 'none' });
}

function unavailable(why: string, cause?: unknown): Failure {
  return new Failure(Reason.SourceUnavailable, `failed to get source: ${why}`, {
    ...{ condition: FETCH_FAILED, cause },
  });
}

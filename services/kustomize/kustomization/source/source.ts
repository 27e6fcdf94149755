// The step that finds the artifact to apply.
import { type Artifact, formatDuration, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { findArtifact, type Lookup, refusedReference } from '@weir/sources';
import type { Run } from '../run.ts';

/**
 * Fails with AccessDenied for a reference that is not allowed, until the spec changes; with ArtifactFailed otherwise.
 */
export async function requireArtifact({ env, object }: Run): Promise<Artifact> {
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs, gates } = env.settings;
  const { sourceRef } = object.spec;
  const rules = { noCrossNamespaceRefs, allowExternalArtifact: gates.ExternalArtifact };
  const refused = refusedReference(sourceRef, object, rules);
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  const lookup = await findArtifact(env.sources, sourceRef, object);
  if (lookup.found) return lookup.artifact;
  throw missingArtifact(lookup, retryMs);
}

function missingArtifact(
  { missing, message, cause }: Extract<Lookup, { found: false }>,
  retryMs: number,
): Failure {
  const reason = Reason.ArtifactFailed;
  switch (missing) {
    case 'list':
      return new Failure(reason, message, { backoff: true, cause });
    case 'kind':
      return new Failure(reason, message, { event: 'none', cause });
    case 'source':
      return new Failure(reason, message, { event: 'none', brief: true });
    case 'artifact': {
      const retrying = `${message}, retrying in ${formatDuration(retryMs)}`;
      return new Failure(reason, retrying, { event: 'none', brief: true, retryMs });
    }
  }
}

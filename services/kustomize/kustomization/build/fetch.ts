// The step that brings an artifact to this machine.
import { type Artifact, formatDuration, Reason } from '@weir/api';
import { ArtifactError, ArtifactMissing, fetchArtifact } from '@weir/artifact';
import { Failure, fetchOptions } from '@weir/reconcile';
import type { Run } from '../run.ts';
import { timeoutMs } from '../timing.ts';

/**
 * Returns the path of the artifact's tar.gz. Fails with ArtifactFailed. An artifact that is (still) missing is looked
 * for again after `requeueDependencyMs`, other failures are tried again with backoff. The fetch holds a worker, so it
 * has the same time limit as a build.
 */
export async function fetchFile(
  { env, object, status, ctx }: Run,
  artifact: Artifact,
): Promise<string> {
  const limit = formatDuration(timeoutMs(object));
  status.progress(
    `Fetching manifests for revision ${artifact.revision} with a timeout of ${limit}`,
  );
  try {
    const { file } = await env.tracing.span('kustomize.fetch', {}, () =>
      fetchArtifact(
        env.store,
        artifact,
        fetchOptions(env.settings, { signal: ctx.signal, timeoutMs: timeoutMs(object) }),
      ),
    );
    return file;
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    if (!(cause instanceof ArtifactMissing)) {
      const { message, transient: backoff } = cause;
      throw new Failure(Reason.ArtifactFailed, message, { cause, backoff });
    }
    const { requeueDependencyMs: retryMs } = env.settings;
    const message = `Source is not ready, artifact not found, retrying in ${formatDuration(retryMs)}`;
    throw new Failure(Reason.ArtifactFailed, message, { cause, retryMs, event: 'none' });
  }
}

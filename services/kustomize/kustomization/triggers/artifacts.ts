// A new artifact of a source starts a run of the Kustomizations that use the source.
import { findCondition, type Kustomization, READY, Reason } from '@weir/api';
import { indexBy } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { AttemptedRevisions } from '@weir/reconcile';
import { type ArtifactChange, sourceKey } from '@weir/sources';
import { changedFirst } from '../last-build/skip-build.ts';
import type { TriggerOptions } from './options.ts';

/** Returns a function that ends the subscription. */
export function onArtifacts({ env, controller, log }: TriggerOptions): () => void {
  const { kustomizations, attemptedRevisions, settings, sources } = env;
  const bySource = indexBy(kustomizations, (object) => [sourceKey(object.spec.sourceRef, object)]);

  async function wake({ source, artifact, traceparent }: ArtifactChange): Promise<void> {
    for (const object of await changedFirst(env, bySource.get(source), artifact)) {
      if (!isNewTo(object, artifact.revision, attemptedRevisions)) continue;
      controller.enqueue(objectKey(object), {
        cause: 'artifact',
        interrupt: settings.gates.CancelHealthCheckOnNewRevision,
        subject: source,
        ...(traceparent === undefined ? {} : { traceparent }),
      });
    }
  }

  const stop = sources.onArtifact((change) => {
    wake(change).catch((err: unknown) =>
      log.error({ err, source: change.source }, 'an artifact woke nobody'),
    );
  });
  return () => {
    stop();
    bySource.close();
  };
}

/** The same revision is worth another run only if the last run failed because of the artifact itself. */
function isNewTo(
  object: Kustomization,
  revision: string,
  attempted: Pick<AttemptedRevisions, 'get'>,
): boolean {
  const { status } = object;
  const attempt = attempted.get(objectKey(object));
  if (attempt?.state === 'searching') return false;
  if ((attempt?.revision ?? status?.lastAttemptedRevision) !== revision) return true;
  return findCondition(status?.conditions, READY)?.reason === Reason.ArtifactFailed;
}

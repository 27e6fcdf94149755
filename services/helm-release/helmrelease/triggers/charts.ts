// A new chart, or a source that becomes ready, starts a run of the HelmReleases that use it.
import { findCondition, type HelmRelease, READY, Reason } from '@weir/api';
import { indexBy } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { ArtifactChange } from '@weir/sources';
import { chartSourceOf } from '../chart/source.ts';
import type { TriggerOptions } from './options.ts';

/** Returns a function that ends the subscription. */
export function onCharts({ env, controller }: TriggerOptions): () => void {
  const { releases, attemptedRevisions, sources } = env;
  const bySource = indexBy(releases, (object) => {
    const source = chartSourceOf(object);
    return source === undefined ? [] : [`${source.kind}/${objectKey(source)}`];
  });

  const stopArtifacts = sources.onArtifact(({ source, artifact, traceparent }: ArtifactChange) => {
    for (const object of bySource.get(source)) {
      const key = objectKey(object);
      const attempt = attemptedRevisions.get(key);
      if (attempt?.state === 'searching' || attempt?.revision === artifact.revision) continue;
      // A wait that is under way is for a chart that is no longer wanted.
      const trace = traceparent === undefined ? {} : { traceparent };
      controller.enqueue(key, { cause: 'artifact', interrupt: true, subject: source, ...trace });
    }
  });
  const stopReady = sources.onReady((source) => {
    for (const object of bySource.get(source)) {
      const key = objectKey(object);
      const hasChart = attemptedRevisions.get(key) !== undefined;
      if (!hasChart && lacksChart(object)) controller.enqueue(key, { cause: 'artifact' });
    }
  });
  return () => {
    stopArtifacts();
    stopReady();
    bySource.close();
  };
}

/** Whether the last run had no chart. */
function lacksChart({ status }: HelmRelease): boolean {
  const reason = findCondition(status?.conditions, READY)?.reason;
  return (
    reason === undefined || reason === Reason.SourceNotReady || reason === Reason.ArtifactFailed
  );
}

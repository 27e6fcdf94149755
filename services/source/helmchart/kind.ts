// The kind HelmChart, and what is opened for it alone.
import { HelmChart } from '@weir/api';
import type { OpenKind } from '../shared/kind.ts';
import { readContentLimits } from '../shared/limits.ts';
import { createChartMaker } from './maker.ts';
import { reconcile } from './reconcile.ts';
import { readOrigin } from './source.ts';
import { words } from './words.ts';

export const openHelmCharts: OpenKind<HelmChart> = async (environment) => {
  const { client, identities, store, charts, pool, settings, tracing, signal } = environment;
  const maker = createChartMaker({
    ...{ client, identities, store, charts, pool, tracing, signal },
    limits: readContentLimits(settings),
  });
  return {
    kind: HelmChart,
    words,
    // The charts of one source belong to one replica, which reads the source's index once for all of them.
    ownershipKey: (object) => `charts/${sourceOf(object)}`,
    sourcesOf: (object) => [sourceOf(object)],
    // As in Flux, a source that has lost its artifact starts no run of its charts.
    lacks: ({ status }, artifact) =>
      artifact !== undefined && status?.observedSourceArtifactRevision !== artifact.revision,
    reconcile: (object, context, informer) =>
      reconcile(object, context, informer, { ...environment, maker }),
    async restore(object) {
      const origin = await readOrigin(client, object, signal);
      await maker.store(object, await maker.find(object, origin, undefined));
    },
  };
};

function sourceOf({ spec, metadata }: HelmChart): string {
  return `${spec.sourceRef.kind}/${metadata.namespace ?? ''}/${spec.sourceRef.name}`;
}

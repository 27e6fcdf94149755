import { ARTIFACT_IN_STORAGE, findCondition, type HelmChart, Reason } from '@weir/api';
import type { SourceWords } from '../shared/source.ts';

/** Flux's messages for HelmCharts; that of the result is made by each run (`summaryOf`). */
export const words: SourceWords<HelmChart> = {
  outdated: ({ spec }, version) => `new '${spec.chart}' chart with version '${version}'`,
  outdatedReason: Reason.NewChart,
  stored: ({ revision }) => `stored chart with version '${revision}'`,
  storedEvent: ({ status }) =>
    findCondition(status?.conditions, ARTIFACT_IN_STORAGE)?.message ?? '',
};

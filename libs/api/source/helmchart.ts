// HelmChart: a chart from a repository, a registry, a Git repository or a bucket, packed into an artifact for Helm
// releases.
import type { Static } from 'typebox';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import { choice, duration, flag, list, object, optional, text } from '../schema/schema.ts';
import { newestUrl, sourceStatus } from './fields.ts';
import { chartVerification } from './ociverification.ts';

const sourceRef = object(
  {
    apiVersion: optional(text('API version of the source.')),
    kind: choice(['HelmRepository', 'GitRepository', 'Bucket'], 'Kind of the source.'),
    name: text('Name of the source, which is in the same namespace.'),
  },
  'Where the chart is from.',
);

const spec = object(
  {
    chart: text('Name of the chart in a HelmRepository, or its path in a GitRepository or Bucket.'),
    version: optional(
      text(
        'Version of the chart, or a range such as `>=1.2.0 <2.0.0`. Only for charts of a HelmRepository.',
        { default: '*' },
      ),
    ),
    sourceRef,
    interval: duration(
      'How often to look for a new version, such as `10m`. A new artifact of the source makes it look at once.',
    ),
    reconcileStrategy: optional(
      choice(
        ['ChartVersion', 'Revision'],
        'What makes a new artifact: a new version of the chart, or any new revision of its source. A HelmRepository has versions only.',
        { default: 'ChartVersion' },
      ),
    ),
    valuesFiles: optional(
      list(
        text('Path in the chart for a HelmRepository, else from the root of the source.'),
        "Files that are merged, in this order, and replace the chart's own values.",
      ),
    ),
    ignoreMissingValuesFiles: optional(flag('Pass over values files that are not there.')),
    suspend: optional(flag('Stop looking for new versions. What was made stays available.')),
    verify: optional(
      chartVerification('Require a signature. Only for charts of a registry (type `oci`).'),
    ),
  },
  'Which chart, and where it is from.',
  {
    rules: [
      {
        rule: "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'",
        message: "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
        holds: (value) => value.verify === undefined || value.sourceRef.kind === 'HelmRepository',
      },
    ],
  },
);

const status = sourceStatus(
  'The chart that was last made and stored.',
  {
    observedChartName: optional(text('Name of the chart in the current artifact.')),
    observedSourceArtifactRevision: optional(
      text("Revision of the source's artifact that was last looked at."),
    ),
    observedValuesFiles: optional(
      list(
        text('Path of a values file.'),
        'Values files that were merged, where missing ones are passed over.',
      ),
    ),
    url: newestUrl('chart'),
  },
  'What was made last, and how that went.',
);

export type HelmChartSpec = Static<typeof spec>;
export type HelmChartStatus = Static<typeof status>;
export type HelmChart = Resource<HelmChartSpec, HelmChartStatus>;

export const HelmChart = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'HelmChart',
    plural: 'helmcharts',
    shortNames: ['hc'],
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description:
      'A Helm chart, which is looked up, fetched or packaged, and offered as an artifact.',
    columns: [
      { name: 'Chart', type: 'string', jsonPath: '.spec.chart' },
      { name: 'Version', type: 'string', jsonPath: '.spec.version' },
      { name: 'Source Kind', type: 'string', jsonPath: '.spec.sourceRef.kind' },
      { name: 'Source Name', type: 'string', jsonPath: '.spec.sourceRef.name' },
      AGE,
      ...READY_COLUMNS,
    ],
  },
  spec,
  status,
);

// Where the chart of a HelmRelease comes from: a template of a HelmChart or of an OCIRepository, or a reference.

import {
  choice,
  dictionary,
  duration,
  flag,
  list,
  localReference,
  object,
  optional,
  type Rule,
  shortDuration,
  text,
} from '../schema/schema.ts';
import { layerSelector, ociReference } from '../source/ocirepository.ts';
import { chartVerificationFields, trustedRoot } from '../source/ociverification.ts';

const sourceRef = object(
  {
    apiVersion: optional(text('API version of the source.')),
    kind: choice(['HelmRepository', 'GitRepository', 'Bucket'], 'Kind of the source.'),
    name: text('Name of the source.', { minLength: 1, maxLength: 253 }),
    namespace: optional(
      text(
        'Namespace of the source, and of the HelmChart. Defaults to the one of the HelmRelease.',
        {
          minLength: 1,
          maxLength: 63,
        },
      ),
    ),
  },
  'Where the HelmChart finds its chart. Not for an OCIRepository.',
);

const templateSpec = object(
  {
    chart: optional(
      text(
        'Name of the chart in a HelmRepository, or its path in a GitRepository or Bucket. Not for an OCIRepository.',
        { minLength: 1, maxLength: 2048 },
      ),
    ),
    version: optional(
      text(
        'Version of the chart, or a range such as `>=1.2.0 <2.0.0`. Defaults to the newest. Only for charts of a HelmRepository.',
      ),
    ),
    sourceRef: optional(sourceRef),
    interval: optional(
      duration('How often to look for a new version. Defaults to the interval of the HelmRelease.'),
    ),
    reconcileStrategy: optional(
      choice(
        ['ChartVersion', 'Revision'],
        'What makes a new chart: a new version of it (the default), or any new revision of its source.',
      ),
    ),
    valuesFiles: optional(
      list(
        text('Path in the chart for a HelmRepository, else from the root of the source.'),
        "Files that are merged, in this order, and replace the chart's own values.",
      ),
    ),
    ignoreMissingValuesFiles: optional(flag('Pass over values files that are not there.')),
    verify: optional(
      object(
        { ...chartVerificationFields, ...trustedRoot },
        'Require a signature. Only for charts of a registry.',
      ),
    ),
    url: optional(
      text('Address of an OCIRepository: `oci://<host>/<path>`, without a tag.', {
        pattern: '^oci://.*$',
      }),
    ),
    ref: optional(
      ociReference('The tag, range of versions or digest that an OCIRepository pulls.'),
    ),
    layerSelector: optional(layerSelector('The layer that an OCIRepository takes.')),
    provider: optional(
      choice(['generic', 'aws', 'azure', 'gcp'], 'How an OCIRepository signs in to its registry.'),
    ),
    secretRef: optional(
      localReference('The Secret with the credentials for an OCIRepository.', 'Secret'),
    ),
    certSecretRef: optional(
      localReference('The Secret with certificates for an OCIRepository.', 'Secret'),
    ),
    proxySecretRef: optional(
      localReference('The Secret that names a proxy for an OCIRepository.', 'Secret'),
    ),
    serviceAccountName: optional(
      text('ServiceAccount with the pull secrets or the identity for an OCIRepository.'),
    ),
    insecure: optional(flag('Let an OCIRepository use plain HTTP.')),
    ignore: optional(text('What an OCIRepository leaves out, in the syntax of .gitignore.')),
    suspend: optional(flag('Stop looking for new versions in an OCIRepository.')),
    timeout: optional(shortDuration('Longest time for a pull of an OCIRepository.')),
  },
  'The spec of the HelmChart or OCIRepository.',
);

const metadata = object(
  {
    labels: optional(dictionary('Labels of the object.')),
    annotations: optional(dictionary('Annotations of the object.')),
  },
  'Labels and annotations of the object that is made from the template.',
);

interface Template {
  kind?: string;
  spec: { [field: string]: unknown; url?: string; version?: string; reconcileStrategy?: string };
}

const isOci = ({ kind }: Template) => kind === 'OCIRepository';

/** `field` may not be set in the template of an OCIRepository, or only to `value`. */
function notForOci(field: string, value?: string): Rule<Template> {
  const allowed = value === undefined ? '' : ` || self.spec.${field} == '${value}'`;
  const only = value === undefined ? 'cannot be set' : `can only be '${value}'`;
  return {
    rule: `!has(self.kind) || self.kind != 'OCIRepository' || !has(self.spec.${field})${allowed}`,
    message: `spec.chart.spec.${field} ${only} when spec.chart.kind is 'OCIRepository'`,
    holds: (template) =>
      !isOci(template) ||
      template.spec[field] === undefined ||
      (value !== undefined && template.spec[field] === value),
  };
}

const templateRules: Rule<Template>[] = [
  {
    rule: "!has(self.kind) || self.kind != 'OCIRepository' || (has(self.spec.url) && size(self.spec.url) > 0)",
    message: "spec.chart.spec.url is required when spec.chart.kind is 'OCIRepository'",
    holds: (template) => !isOci(template) || (template.spec.url ?? '') !== '',
  },
  {
    rule: "!has(self.spec.url) || (has(self.kind) && self.kind == 'OCIRepository')",
    message: "spec.chart.spec.url can only be set when spec.chart.kind is 'OCIRepository'",
    holds: (template) => template.spec.url === undefined || isOci(template),
  },
  {
    rule: "(has(self.kind) && self.kind == 'OCIRepository') || (has(self.spec.chart) && has(self.spec.sourceRef))",
    message:
      "spec.chart.spec.chart and spec.chart.spec.sourceRef are required when spec.chart.kind is not 'OCIRepository'",
    holds: (template) =>
      isOci(template) ||
      (template.spec.chart !== undefined && template.spec.sourceRef !== undefined),
  },
  notForOci('chart'),
  notForOci('version', '*'),
  notForOci('sourceRef'),
  notForOci('reconcileStrategy', 'ChartVersion'),
  notForOci('valuesFiles'),
  notForOci('ignoreMissingValuesFiles'),
];

export const chartTemplate = object(
  {
    kind: optional(
      choice(['HelmChart', 'OCIRepository'], 'What to make. Defaults to `HelmChart`.'),
    ),
    metadata: optional(metadata),
    spec: templateSpec,
  },
  'The HelmChart or OCIRepository that is made for this HelmRelease, and deleted with it. Excludes `chartRef`.',
  { rules: templateRules },
);

export const chartRef = object(
  {
    apiVersion: optional(text('API version of the source.')),
    kind: choice(['OCIRepository', 'HelmChart', 'ExternalArtifact'], 'Kind of the source.'),
    name: text('Name of the source.', { minLength: 1, maxLength: 253 }),
    namespace: optional(
      text('Namespace of the source. Defaults to the one of the HelmRelease.', {
        minLength: 1,
        maxLength: 63,
      }),
    ),
  },
  'A source whose artifact is the chart. Excludes `chart`.',
);

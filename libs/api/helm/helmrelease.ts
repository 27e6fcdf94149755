// HelmRelease: a chart with values, which is released with Helm and kept as it should be.
import type { Static } from 'typebox';
import { healthCheckExpr } from '../healthchecks.ts';
import { kubeConfig } from '../kubeconfig.ts';
import { commonMetadata, image, patch } from '../kustomize/build.ts';
import { dependencyReference, objectSelector } from '../references.ts';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import {
  anyValue,
  choice,
  duration,
  flag,
  integer,
  list,
  object,
  optional,
  text,
} from '../schema/schema.ts';
import { install, rollback, test, uninstall, upgrade } from './actions.ts';
import { chartRef, chartTemplate } from './chart.ts';
import { status } from './status.ts';

const NAMESPACE = { minLength: 1, maxLength: 63 };
const NAME = { minLength: 1, maxLength: 253 };

const valuesReference = object(
  {
    kind: choice(['Secret', 'ConfigMap'], 'Kind of the object with the values.'),
    name: text('Name of the object, in the namespace of the HelmRelease.', NAME),
    valuesKey: optional(
      text('Key of the object. Defaults to `values.yaml`.', {
        pattern: '^[\\-._a-zA-Z0-9]+$',
        maxLength: 253,
      }),
    ),
    targetPath: optional(
      text(
        'Where in the values the content of the key goes, such as `image.tag` or `hosts[0]`. Without it the key holds YAML, which is merged.',
        { pattern: '^([a-zA-Z0-9_\\-.\\\\\\/]|\\[[0-9]{1,5}\\])+$', maxLength: 250 },
      ),
    ),
    literal: optional(flag('Put the content to `targetPath` as it is: no commas or types in it.')),
    optional: optional(flag('Go on without it when the object or the key does not exist.')),
  },
  'Values in a ConfigMap or Secret.',
);

const postRenderer = object(
  {
    kustomize: optional(
      object(
        {
          patches: optional(list(patch, 'Patches to apply, in this order.')),
          images: optional(list(image, 'Images to replace.')),
        },
        'What Kustomize changes.',
      ),
    ),
  },
  'One change of what the chart renders.',
);

const ignoreRule = object(
  {
    paths: list(
      text('A JSON pointer (RFC 6901), such as `/spec/replicas`.'),
      'The fields to leave alone.',
    ),
    target: optional(objectSelector('The objects that this is about. All of them if left out.')),
  },
  'Fields that someone else may set.',
);

const driftDetection = object(
  {
    mode: optional(
      choice(
        ['enabled', 'warn', 'disabled'],
        'Put changes back, report them, or neither (the default).',
      ),
    ),
    ignore: optional(list(ignoreRule, 'Fields whose changes are no drift.')),
  },
  'What to do about changes that others make to the objects of the release.',
);

const spec = object(
  {
    chart: optional(chartTemplate),
    chartRef: optional(chartRef),
    interval: duration(
      'How often to reconcile when nothing calls for it earlier. A new chart or a reconcile request does, at once.',
    ),
    kubeConfig: optional(kubeConfig),
    suspend: optional(flag('Leave everything as it is until this is unset.')),
    releaseName: optional(
      text('Name of the release. Defaults to `[<targetNamespace>-]<name>`.', {
        minLength: 1,
        maxLength: 53,
      }),
    ),
    targetNamespace: optional(
      text('Namespace to install to. Defaults to the one of the HelmRelease.', NAMESPACE),
    ),
    storageNamespace: optional(
      text("Namespace of Helm's storage. Defaults to the one of the HelmRelease.", NAMESPACE),
    ),
    dependsOn: optional(
      list(
        dependencyReference('A HelmRelease to wait for.'),
        'HelmReleases that must be ready before this one is reconciled.',
      ),
    ),
    timeout: optional(
      duration('Longest time for one operation of Helm, such as a hook. Defaults to `5m`.'),
    ),
    maxHistory: optional(
      integer("How many versions of the release stay in Helm's storage. Defaults to 5; 0: all."),
    ),
    serviceAccountName: optional(
      text(
        'ServiceAccount of this namespace to act as. What it may not do, the release cannot.',
        NAME,
      ),
    ),
    persistentClient: optional(
      flag('Without effect: what a chart changes about the kinds of the cluster is seen anyway.'),
    ),
    driftDetection: optional(driftDetection),
    install: optional(install),
    upgrade: optional(upgrade),
    test: optional(test),
    rollback: optional(rollback),
    uninstall: optional(uninstall),
    valuesFrom: optional(list(valuesReference, 'Where further values are, the last one wins.')),
    values: optional(anyValue('Values for the chart. They win over those of `valuesFrom`.')),
    commonMetadata: optional(commonMetadata),
    postRenderers: optional(list(postRenderer, 'Changes of what the chart renders, in order.')),
    postRenderStrategy: optional(
      choice(
        ['nohooks', 'combined', 'separate'],
        'Whether post-renderers change hooks too: not at all, together with everything else (the default), or by themselves.',
      ),
    ),
    waitStrategy: optional(
      object(
        {
          name: choice(
            ['poller', 'legacy'],
            'What ready means: kstatus with `healthCheckExprs` (the default), or the rules of Helm 3.',
          ),
        },
        'How to wait until objects are ready.',
      ),
    ),
    healthCheckExprs: optional(
      list(
        healthCheckExpr,
        'How to tell the health of kinds whose status does not follow the usual conventions.',
      ),
    ),
  },
  'Which chart to release, with which values, and how.',
  {
    rules: [
      {
        rule: '(has(self.chart) && !has(self.chartRef)) || (!has(self.chart) && has(self.chartRef))',
        message: 'either chart or chartRef must be set',
        holds: (value) => (value.chart === undefined) !== (value.chartRef === undefined),
      },
    ],
  },
);

export type HelmReleaseSpec = Static<typeof spec>;
export type HelmReleaseStatus = Static<typeof status>;
export type ValuesReference = Static<typeof valuesReference>;
export type ChartTemplate = NonNullable<HelmReleaseSpec['chart']>;
export type HelmRelease = Resource<HelmReleaseSpec, HelmReleaseStatus>;

export const HelmRelease = defineKind(
  {
    group: 'helm.toolkit.fluxcd.io',
    version: 'v2',
    kind: 'HelmRelease',
    plural: 'helmreleases',
    shortNames: ['hr'],
    categories: ['all', 'fluxcd', 'fluxcd-appliers'],
    description: 'A Helm chart that is released with values and kept in the cluster.',
    columns: [AGE, ...READY_COLUMNS],
  },
  spec,
  status,
);

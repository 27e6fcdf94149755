// Kustomization: the objects that are built from a path of a source, applied to the cluster and kept as they are in the
// source.
import type { Static } from 'typebox';
import { healthCheckExpr } from '../healthchecks.ts';
import { kubeConfig } from '../kubeconfig.ts';
import { dependencyReference, kindReference, objectSelector } from '../references.ts';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import { choice, duration, flag, list, object, optional, text } from '../schema/schema.ts';
import { commonMetadata, decryption, image, patch, postBuild } from './build.ts';
import { status } from './status.ts';

const sourceRef = object(
  {
    apiVersion: optional(text('API version of the source. The served one if left out.')),
    kind: choice(
      ['OCIRepository', 'GitRepository', 'Bucket', 'ExternalArtifact'],
      'Kind of the source.',
    ),
    name: text('Name of the source.'),
    namespace: optional(text('Namespace of the source. Defaults to the one of the Kustomization.')),
  },
  'The source whose artifact is built.',
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

const spec = object(
  {
    sourceRef,
    path: optional(
      text(
        'Folder of the source to build: one with a kustomization.yaml, or with plain manifests. Defaults to the root.',
      ),
    ),
    interval: duration(
      'How often to reconcile when nothing calls for it earlier. A new revision or a reconcile request does, at once.',
    ),
    retryInterval: optional(
      duration('How long to wait after a failure before the next attempt. Defaults to `interval`.'),
    ),
    timeout: optional(
      duration(
        'Longest time for building and applying, and for the health checks. Defaults to `interval`.',
      ),
    ),
    prune: flag('Delete objects that were applied before and are no longer in the build.'),
    deletionPolicy: optional(
      choice(
        ['MirrorPrune', 'Delete', 'WaitForTermination', 'Orphan'],
        'What becomes of the objects when the Kustomization is deleted: they are deleted if `prune` is set (`MirrorPrune`, the default), deleted in any case, deleted and waited for, or left in place.',
      ),
    ),
    force: optional(
      flag(
        'Delete and create an object anew when a change touches a field that cannot be changed.',
        {
          default: false,
        },
      ),
    ),
    suspend: optional(flag('Leave everything as it is until this is unset.')),
    dependsOn: optional(
      list(
        dependencyReference('A Kustomization to wait for.'),
        'Kustomizations that must be ready before this one is reconciled.',
      ),
    ),
    wait: optional(
      flag(
        'Wait until every applied object is healthy before being ready. Makes `healthChecks` superfluous.',
      ),
    ),
    healthChecks: optional(
      list(
        kindReference('An object that must be healthy.'),
        'Objects that must be healthy before the Kustomization is ready.',
      ),
    ),
    healthCheckExprs: optional(
      list(
        healthCheckExpr,
        'How to tell the health of kinds whose status does not follow the usual conventions. Used with `wait` or `healthChecks`.',
      ),
    ),
    targetNamespace: optional(
      text('Namespace to put all namespaced objects into, whatever the source says.', {
        minLength: 1,
        maxLength: 63,
      }),
    ),
    namePrefix: optional(
      text('Text to put before the name of every object.', { minLength: 1, maxLength: 200 }),
    ),
    nameSuffix: optional(
      text('Text to put behind the name of every object.', { minLength: 1, maxLength: 200 }),
    ),
    commonMetadata: optional(commonMetadata),
    patches: optional(list(patch, 'Patches to apply to the objects, in this order.')),
    images: optional(list(image, 'Images to replace, in all containers of all objects.')),
    components: optional(
      list(
        text('Path of a component, relative to `path`.'),
        'Kustomize components to add to the build.',
      ),
    ),
    ignoreMissingComponents: optional(flag('Leave out components whose path does not exist.')),
    buildMetadata: optional(
      list(
        choice(
          ['originAnnotations', 'transformerAnnotations'],
          'Where an object comes from, or what changed it.',
        ),
        'Annotations that tell how each object came about.',
      ),
    ),
    postBuild: optional(postBuild),
    decryption: optional(decryption),
    serviceAccountName: optional(
      text(
        'ServiceAccount of this namespace to act as. What it may not do, the Kustomization cannot.',
      ),
    ),
    kubeConfig: optional(kubeConfig),
    ignore: optional(
      list(
        ignoreRule,
        'Fields of the objects that are neither corrected nor applied, so that others can own them.',
      ),
    ),
  },
  'What to build, where to apply it, and how to keep it.',
);

export type KustomizationSpec = Static<typeof spec>;
export type KustomizationStatus = Static<typeof status>;
export type SourceReference = Static<typeof sourceRef>;
export type Kustomization = Resource<KustomizationSpec, KustomizationStatus>;

export const Kustomization = defineKind(
  {
    group: 'kustomize.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Kustomization',
    plural: 'kustomizations',
    shortNames: ['ks'],
    categories: ['all', 'fluxcd', 'fluxcd-appliers'],
    description:
      'A path of a source that is built with Kustomize and kept in the cluster as it is there.',
    columns: [AGE, ...READY_COLUMNS],
  },
  spec,
  status,
);

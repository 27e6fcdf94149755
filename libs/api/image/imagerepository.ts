// ImageRepository: an image whose tags are listed at an interval, for policies to choose from.
import type { Static } from 'typebox';
import {
  conditionsSchema,
  lastHandledReconcileAt,
  NEVER_OBSERVED,
  observedGeneration,
} from '../schema/condition.ts';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import {
  choice,
  dictionary,
  duration,
  flag,
  integer,
  list,
  localReference,
  object,
  optional,
  shortDuration,
  text,
  time,
} from '../schema/schema.ts';

/** Excluded unless the object says otherwise: the tags of signatures, which cosign 1 and 2 push beside images. */
export const DEFAULT_EXCLUSION_LIST = ['^.*\\.sig$'];

const accessFrom = object(
  {
    namespaceSelectors: list(
      object(
        {
          matchLabels: optional(
            dictionary('Labels that a namespace must have. Without any, every namespace has them.'),
          ),
        },
        'One choice of namespaces.',
      ),
      'Namespaces whose ImagePolicies may use this object: those that one of the selectors matches.',
    ),
  },
  'Who in other namespaces may use this object. Nobody unless it is set.',
);

const spec = object(
  {
    image: text(
      'Name of the image, such as `ghcr.io/org/app`: without a scheme, a tag or a digest.',
    ),
    interval: duration(
      'How often to list the tags, such as `10m`. A webhook or a reconcile request makes it list at once.',
    ),
    timeout: optional(
      shortDuration('Longest time for listing the tags. Defaults to the interval, up to `60s`.'),
    ),
    secretRef: optional(
      localReference(
        'The Secret with the credentials, of the type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.',
        'Secret',
      ),
    ),
    serviceAccountName: optional(
      text('ServiceAccount of this namespace whose image pull secrets are used.', {
        maxLength: 253,
      }),
    ),
    certSecretRef: optional(
      localReference(
        'The Secret with `ca.crt` for a private authority, and `tls.crt` with `tls.key` for a client certificate.',
        'Secret',
      ),
    ),
    proxySecretRef: optional(
      localReference(
        'The Secret that names an HTTP(S) proxy: `address`, and `username` with `password` if it wants them.',
        'Secret',
      ),
    ),
    provider: optional(
      choice(
        ['generic', 'aws', 'azure', 'gcp'],
        'How to authenticate: with the credentials of `secretRef` and `serviceAccountName` (`generic`, the default), or with an identity of the cloud provider.',
        { default: 'generic' },
      ),
    ),
    insecure: optional(flag('Speak HTTP where the registry has no TLS.')),
    exclusionList: optional(
      list(
        text('A Go regular expression, which may match anywhere in a tag.'),
        'Tags to leave out: those that one of these expressions matches. A list of your own replaces the default.',
        { default: DEFAULT_EXCLUSION_LIST, maxItems: 25 },
      ),
    ),
    accessFrom: optional(accessFrom),
    suspend: optional(flag('Stop listing tags. Policies go on with those that were listed.')),
  },
  'Which image, and how often to list its tags.',
);

const lastScanResult = object(
  {
    tagCount: integer('How many tags there were, without those left out.'),
    revision: optional(text('A checksum of the tags: it changes when they do.')),
    scanTime: optional(time('When the tags were listed.')),
    latestTags: optional(
      list(text('A tag.'), 'The first ten of the tags, sorted by their bytes, descending.'),
    ),
  },
  'What the last listing found.',
);

const status = object(
  {
    conditions: optional(conditionsSchema),
    observedGeneration: optional(observedGeneration),
    canonicalImageName: optional(
      text(
        'Name of the image with its registry, as it was listed last: `index.docker.io/library/redis`.',
      ),
    ),
    lastScanResult: optional(lastScanResult),
    observedExclusionList: optional(
      list(text('A Go regular expression.'), 'The spec.exclusionList of the last listing.'),
    ),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
  },
  'What was listed last, and how that went.',
  { default: NEVER_OBSERVED },
);

export type ImageRepositorySpec = Static<typeof spec>;
export type ImageRepositoryStatus = Static<typeof status>;
export type ImageRepository = Resource<ImageRepositorySpec, ImageRepositoryStatus>;

export const ImageRepository = defineKind(
  {
    group: 'image.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'ImageRepository',
    plural: 'imagerepositories',
    shortNames: ['imagerepo', 'imgrepo'],
    categories: ['all', 'fluxcd', 'fluxcd-images'],
    description: 'An image in a registry, whose tags are listed at an interval.',
    columns: [
      { name: 'Image', type: 'string', jsonPath: '.spec.image' },
      { name: 'Tags', type: 'string', jsonPath: '.status.lastScanResult.tagCount' },
      ...READY_COLUMNS,
      {
        ...{ name: 'Last scan', type: 'string', priority: 1 },
        jsonPath: '.status.lastScanResult.scanTime',
      },
      AGE,
    ],
  },
  spec,
  status,
);

// ImagePolicy: which of the tags of an ImageRepository is the latest.
import type { Static } from 'typebox';
import {
  conditionsSchema,
  lastHandledReconcileAt,
  NEVER_OBSERVED,
  observedGeneration,
} from '../schema/condition.ts';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import { choice, duration, flag, list, object, optional, text } from '../schema/schema.ts';
import { imageRef } from './fields.ts';

const order = optional(
  choice(
    ['asc', 'desc'],
    'Which end of the sorted tags is the latest: the last of an ascending (`asc`, the default) or of a descending order.',
    { default: 'asc' },
  ),
);

const policy = object(
  {
    semver: optional(
      object(
        {
          range: text(
            'Range of semantic versions, such as `>=1.2.0 <2.0.0`: the highest tag in it is the latest.',
          ),
        },
        'The highest semantic version is the latest. Takes precedence over the others.',
      ),
    ),
    alphabetical: optional(
      object({ order }, 'Tags are sorted by their bytes. Takes precedence over `numerical`.'),
    ),
    numerical: optional(object({ order }, 'Tags are sorted as numbers; each must be one.')),
    // A field of Weir alone: docs/compatibility.md.
    newest: optional(
      object({}, 'The image that was built last is the latest, by the time in its configuration.'),
    ),
  },
  'How the latest tag is chosen. One of them has to be set.',
);

const spec = object(
  {
    imageRepositoryRef: object(
      {
        name: text('Name of the ImageRepository.'),
        namespace: optional(
          text('Namespace of the ImageRepository. Defaults to that of this object.'),
        ),
      },
      'The ImageRepository whose tags are looked at.',
    ),
    policy,
    filterTags: optional(
      object(
        {
          pattern: optional(
            text('A Go regular expression: only tags that it matches are looked at.'),
          ),
          extract: optional(
            text(
              'What of a tag is sorted, made of the groups of the pattern: `$ts` or `$1`. The whole tag if not set.',
            ),
          ),
        },
        'Which tags are looked at, and what of them is sorted.',
      ),
    ),
    // A field of Weir alone: docs/compatibility.md.
    exclude: optional(
      list(
        text('A tag, or what `filterTags.extract` makes of it.'),
        'Tags that are never chosen, such as a release that was rolled back.',
        { maxItems: 100 },
      ),
    ),
    digestReflectionPolicy: optional(
      choice(
        ['Always', 'IfNotPresent', 'Never'],
        'Whether the digest of the latest tag is put into the status: at each interval anew (`Always`), once for a tag (`IfNotPresent`), or not (`Never`, the default).',
        { default: 'Never' },
      ),
    ),
    interval: optional(
      duration(
        'How often to ask for the digest, such as `10m`. To be set with the digestReflectionPolicy `Always`, and only then.',
      ),
    ),
    suspend: optional(flag('Stop choosing tags. What was chosen stays.')),
  },
  'Which tag of which image is the latest.',
  {
    rules: [
      {
        rule: "!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')",
        message:
          "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        holds: ({ interval, digestReflectionPolicy }) =>
          interval === undefined || digestReflectionPolicy === 'Always',
      },
      {
        rule: "has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'",
        message: "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
        holds: ({ interval, digestReflectionPolicy }) =>
          interval !== undefined || digestReflectionPolicy !== 'Always',
      },
    ],
  },
);

const status = object(
  {
    conditions: optional(conditionsSchema),
    observedGeneration: optional(observedGeneration),
    latestRef: optional(imageRef('The latest image.')),
    observedPreviousRef: optional(imageRef('The image that was the latest before.')),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
  },
  'Which image is the latest.',
  { default: NEVER_OBSERVED },
);

export type ImageRef = Static<ReturnType<typeof imageRef>>;
export type ImagePolicySpec = Static<typeof spec>;
export type ImagePolicyStatus = Static<typeof status>;
export type ImagePolicy = Resource<ImagePolicySpec, ImagePolicyStatus>;

export const ImagePolicy = defineKind(
  {
    group: 'image.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'ImagePolicy',
    plural: 'imagepolicies',
    shortNames: ['imagepol', 'imgpol'],
    categories: ['all', 'fluxcd', 'fluxcd-images'],
    description: 'Chooses the latest tag of an image.',
    columns: [
      { name: 'Image', type: 'string', jsonPath: '.status.latestRef.name' },
      { name: 'Tag', type: 'string', jsonPath: '.status.latestRef.tag' },
      ...READY_COLUMNS,
      AGE,
    ],
  },
  spec,
  status,
);

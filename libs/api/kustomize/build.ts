// The parts of a Kustomization's spec that are about the build: patches, images, variables, decryption.
import { objectSelector } from '../references.ts';
import {
  choice,
  dictionary,
  flag,
  list,
  localReference,
  object,
  optional,
  text,
} from '../schema/schema.ts';

export const commonMetadata = object(
  {
    labels: optional(dictionary('Labels to set.')),
    annotations: optional(dictionary('Annotations to set.')),
  },
  'Labels and annotations to set on every object. They replace the values that a build gives to the same keys.',
);

export const patch = object(
  {
    patch: text('A strategic merge patch, or a list of JSON 6902 operations, in YAML.'),
    target: optional(
      objectSelector(
        'The objects to patch. Needed for JSON 6902; a strategic merge patch names its object itself if this is left out.',
      ),
    ),
  },
  'One patch.',
);

export const image = object(
  {
    name: text('Name of the image to change, without a tag.'),
    newName: optional(text('Name to use in its place.')),
    newTag: optional(text('Tag to use.')),
    digest: optional(text('Digest to use. Takes precedence over `newTag`.')),
  },
  'A change of one image.',
);

const substituteReference = object(
  {
    kind: choice(['Secret', 'ConfigMap'], 'Kind of the object with the variables.'),
    name: text('Name of the object with the variables, in the namespace of the Kustomization.', {
      minLength: 1,
      maxLength: 253,
    }),
    optional: optional(
      flag('Go on without it when the object does not exist. Otherwise that is an error.', {
        default: false,
      }),
    ),
  },
  'An object whose keys are variables.',
);

export const postBuild = object(
  {
    substitute: optional(
      dictionary('Variables and their values. They come before those of `substituteFrom`.'),
    ),
    substituteFrom: optional(
      list(
        substituteReference,
        'ConfigMaps and Secrets whose keys are variables. A later one wins over an earlier one.',
      ),
    ),
    substituteStrategy: optional(
      choice(
        ['WithVariables', 'Always'],
        'When to substitute: only where there are variables (the default), or always, so that a default behind `:=` takes effect without any.',
      ),
    ),
  },
  'Replace variables (a name in braces after a dollar sign) in what was built. An object opts out with the annotation or label kustomize.toolkit.fluxcd.io/substitute: disabled.',
);

export const decryption = object(
  {
    provider: choice(['sops'], 'What the files are encrypted with.'),
    secretRef: optional(
      localReference(
        'The Secret with the private keys (age, OpenPGP) or the credentials of the key services.',
        'Secret',
      ),
    ),
    serviceAccountName: optional(
      text('ServiceAccount of this namespace whose cloud identity is used for key services.'),
    ),
  },
  'Decrypt files and Secrets of the source before they are applied.',
);

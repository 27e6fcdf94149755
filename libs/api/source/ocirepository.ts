// OCIRepository: a layer of an artifact in a registry, packed into an artifact.
import type { Static } from 'typebox';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import {
  choice,
  duration,
  flag,
  localReference,
  object,
  optional,
  shortDuration,
  text,
} from '../schema/schema.ts';
import {
  certSecretRef,
  ignore,
  newestUrl,
  observedIgnore,
  proxySecretRef,
  sourceStatus,
  sourceVerificationFingerprint,
} from './fields.ts';
import { ociVerification } from './ociverification.ts';

export function ociReference(description: string) {
  return object(
    {
      digest: optional(
        text('Digest of the artifact, as `sha256:<hex>`. Takes precedence over `semver`.'),
      ),
      semver: optional(
        text(
          'Range of semantic versions, such as `>=1.2.0 <2.0.0`: the highest tag in it is used. Takes precedence over `tag`.',
        ),
      ),
      semverFilter: optional(
        text('Regular expression: of the tags only those that it matches are looked at.'),
      ),
      tag: optional(text('Tag of the artifact. `latest` if nothing else is set.')),
    },
    description,
  );
}

export function layerSelector(description: string) {
  return object(
    {
      mediaType: optional(
        text(
          'Media type of the layer: the first that has it is taken, the first of all if not set.',
        ),
      ),
      operation: optional(
        choice(
          ['extract', 'copy'],
          'What becomes of the layer: its files make the artifact (`extract`, the default), or the layer is the artifact as it is (`copy`).',
        ),
      ),
    },
    description,
  );
}

const spec = object(
  {
    url: optional(
      text('Address of the repository: `oci://<host>/<path>`, without a tag.', {
        pattern: '^oci://.*$',
      }),
    ),
    ref: optional(
      ociReference('The tag, range of versions or digest to pull. Defaults to the tag `latest`.'),
    ),
    layerSelector: optional(layerSelector('The layer that becomes the artifact.')),
    interval: optional(
      duration(
        'How often to ask the registry for changes, such as `10m`. A webhook or a reconcile request makes it ask at once.',
      ),
    ),
    timeout: optional(
      shortDuration('Longest time for asking the registry and pulling. Defaults to `60s`.'),
    ),
    provider: optional(
      choice(
        ['generic', 'aws', 'azure', 'gcp'],
        'How to authenticate: with the credentials of `secretRef` and `serviceAccountName` (`generic`, the default), or with an identity of the cloud provider.',
      ),
    ),
    secretRef: optional(
      localReference(
        'The Secret with the credentials, of the type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.',
        'Secret',
      ),
    ),
    serviceAccountName: optional(
      text('ServiceAccount of this namespace whose image pull secrets are used.'),
    ),
    certSecretRef,
    proxySecretRef,
    insecure: optional(
      flag(
        'Speak HTTP where the registry has no TLS; and without `certSecretRef`, take any certificate.',
      ),
    ),
    verify: optional(
      ociVerification('Require a signature. Without a good one the source is not updated.'),
    ),
    ignore,
    suspend: optional(flag('Stop asking for changes. What was pulled stays available.')),
  },
  'What to pull, and how often.',
);

const status = sourceStatus(
  'The content that was last pulled and stored.',
  {
    observedIgnore,
    observedLayerSelector: optional(
      layerSelector('The spec.layerSelector that the current artifact was made with.'),
    ),
    sourceVerificationFingerprint,
    url: newestUrl('artifact'),
  },
  'What was pulled last, and how that went.',
);

export type OCIRepositorySpec = Static<typeof spec>;
export type OCIRepositoryStatus = Static<typeof status>;
export type OCIRepository = Resource<OCIRepositorySpec, OCIRepositoryStatus>;

export const OCIRepository = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'OCIRepository',
    plural: 'ocirepositories',
    shortNames: ['ocirepo'],
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description:
      'An artifact in a registry, one of whose layers is pulled and offered as an artifact.',
    columns: [{ name: 'URL', type: 'string', jsonPath: '.spec.url' }, ...READY_COLUMNS, AGE],
  },
  spec,
  status,
);

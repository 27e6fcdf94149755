// HelmRepository: the index of a chart repository, or the address of a registry with charts.
import type { Static } from 'typebox';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import {
  choice,
  dictionary,
  duration,
  flag,
  list,
  localReference,
  object,
  optional,
  shortDuration,
  text,
} from '../schema/schema.ts';
import { certSecretRef, newestUrl, sourceStatus } from './fields.ts';

const accessFrom = object(
  {
    namespaceSelectors: list(
      object(
        { matchLabels: optional(dictionary('Labels that a namespace must have.')) },
        'One choice of namespaces.',
      ),
      'Namespaces whose objects may use this one.',
    ),
  },
  'Who in other namespaces may use this object. It has no effect, as in Flux.',
);

const spec = object(
  {
    url: text(
      'Address of the repository: of the folder that holds `index.yaml`, or `oci://<host>/<path>` for charts in a registry.',
      { pattern: '^(http|https|oci)://.*$' },
    ),
    type: optional(
      choice(
        ['default', 'oci'],
        'What the address is of: a repository with an index (`default`), or a registry (`oci`), which is asked only for charts that are wanted.',
      ),
    ),
    interval: optional(
      duration(
        'How often to fetch the index, such as `10m`. A reconcile request makes it fetch at once.',
      ),
    ),
    timeout: optional(
      shortDuration('Longest time for fetching the index or one chart. Defaults to `60s`.'),
    ),
    secretRef: optional(
      localReference(
        'The Secret with `username` and `password`; for registries it may be of the type `kubernetes.io/dockerconfigjson`.',
        'Secret',
      ),
    ),
    certSecretRef,
    passCredentials: optional(
      flag(
        'Send the credentials to whatever host the index names for a chart. Without it only the host of `url` gets them.',
      ),
    ),
    provider: optional(
      choice(
        ['generic', 'aws', 'azure', 'gcp'],
        'How to authenticate at a registry: with the credentials of `secretRef` (`generic`, the default), or with an identity of the cloud provider.',
        { default: 'generic' },
      ),
    ),
    insecure: optional(flag('Speak HTTP with a registry that has no TLS.')),
    suspend: optional(flag('Stop fetching the index. What was fetched stays available.')),
    accessFrom: optional(accessFrom),
  },
  'Where the repository is, and how often to fetch its index.',
);

const status = sourceStatus('The index that was last fetched and stored.', {
  url: newestUrl('index'),
});

export type HelmRepositorySpec = Static<typeof spec>;
export type HelmRepositoryStatus = Static<typeof status>;
export type HelmRepository = Resource<HelmRepositorySpec, HelmRepositoryStatus>;

export const HelmRepository = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'HelmRepository',
    plural: 'helmrepositories',
    shortNames: ['helmrepo'],
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description: 'A repository of Helm charts, whose index is fetched and offered as an artifact.',
    columns: [{ name: 'URL', type: 'string', jsonPath: '.spec.url' }, AGE, ...READY_COLUMNS],
  },
  spec,
  status,
);

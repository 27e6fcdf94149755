// Bucket: the objects of an object store, packed into an artifact.
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
  newestUrl,
  observedIgnore,
  proxySecretRef,
  sourceStatus,
} from './fields.ts';

const sts = object(
  {
    provider: choice(
      ['aws', 'ldap'],
      'Who gives the keys: `ldap` for a login of a directory (MinIO), `aws` with the provider `aws`.',
    ),
    endpoint: text('Address of the token service: http:// or https://.', {
      pattern: '^(http|https)://.*$',
    }),
    secretRef: optional(
      localReference('The Secret with the login: `username` and `password`.', 'Secret'),
    ),
    certSecretRef,
  },
  'A token service that gives keys for a while. They are used where `secretRef` has none.',
);

const spec = object(
  {
    provider: optional(
      choice(
        ['generic', 'aws', 'gcp', 'azure'],
        'How to authenticate: with the keys of `secretRef` or `sts` at any server of the S3 protocol (`generic`, the default), or as the cloud provider does.',
        { default: 'generic' },
      ),
    ),
    bucketName: text('Name of the bucket.'),
    endpoint: text('Host of the object store, or host and port, without a scheme.'),
    sts: optional(sts),
    insecure: optional(flag('Speak HTTP, as the object store has no TLS.')),
    region: optional(
      text('Region of the bucket. Without it, the object store is asked for the region.'),
    ),
    prefix: optional(text('What the keys of the objects begin with: others are not listed.')),
    secretRef: optional(
      localReference('The Secret with the keys: `accesskey` and `secretkey`.', 'Secret'),
    ),
    serviceAccountName: optional(
      text('ServiceAccount of this namespace whose cloud identity is used.'),
    ),
    certSecretRef,
    proxySecretRef,
    interval: duration(
      'How often to list the bucket, such as `5m`. A webhook or a reconcile request makes it happen at once.',
    ),
    timeout: optional(
      shortDuration('Longest time for listing, and again for fetching. Defaults to `60s`.', {
        default: '60s',
      }),
    ),
    ignore: optional(
      text(
        'Objects to leave out, in the syntax of .gitignore. The rules of a .sourceignore object at the root of the bucket come before these.',
      ),
    ),
    suspend: optional(flag('Stop asking for changes. What was fetched stays available.')),
  },
  'What to fetch, and how often.',
  {
    rules: [
      {
        rule: "self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)",
        message: "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
        holds: ({ provider, sts }) =>
          provider === 'aws' || provider === 'generic' || sts === undefined,
      },
      {
        rule: "self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'",
        message: "'aws' is the only supported STS provider for the 'aws' Bucket provider",
        holds: ({ provider, sts }) =>
          provider !== 'aws' || sts === undefined || sts.provider === 'aws',
      },
      {
        rule: "self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'",
        message: "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
        holds: ({ provider, sts }) =>
          provider !== 'generic' || sts === undefined || sts.provider === 'ldap',
      },
      {
        rule: "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)",
        message: "spec.sts.secretRef is not required for the 'aws' STS provider",
        holds: ({ sts }) => sts?.provider !== 'aws' || sts.secretRef === undefined,
      },
      {
        rule: "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)",
        message: "spec.sts.certSecretRef is not required for the 'aws' STS provider",
        holds: ({ sts }) => sts?.provider !== 'aws' || sts.certSecretRef === undefined,
      },
      {
        rule: "self.provider != 'generic' || !has(self.serviceAccountName)",
        message: "ServiceAccountName is not supported for the 'generic' Bucket provider",
        holds: ({ provider, serviceAccountName }) =>
          provider !== 'generic' || serviceAccountName === undefined,
      },
      {
        rule: '!has(self.secretRef) || !has(self.serviceAccountName)',
        message: 'cannot set both .spec.secretRef and .spec.serviceAccountName',
        holds: ({ secretRef, serviceAccountName }) =>
          secretRef === undefined || serviceAccountName === undefined,
      },
    ],
  },
);

const status = sourceStatus('The objects that were last fetched and stored.', {
  observedIgnore,
  url: newestUrl('artifact'),
});

export type BucketSpec = Static<typeof spec>;
export type BucketStatus = Static<typeof status>;
export type Bucket = Resource<BucketSpec, BucketStatus>;

export const Bucket = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Bucket',
    plural: 'buckets',
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description: 'A bucket of an object store whose objects are offered as an artifact.',
    columns: [
      { name: 'Endpoint', type: 'string', jsonPath: '.spec.endpoint' },
      AGE,
      ...READY_COLUMNS,
    ],
  },
  spec,
  status,
);

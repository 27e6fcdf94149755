// GitRepository: the files of a Git repository at a ref, packed into an artifact.
import type { Static } from 'typebox';
import { AGE, defineKind, READY_COLUMNS, type Resource } from '../schema/kind.ts';
import {
  choice,
  duration,
  flag,
  list,
  localReference,
  object,
  optional,
  shortDuration,
  text,
} from '../schema/schema.ts';
import { artifactSchema } from './artifact.ts';
import {
  ignore,
  observedIgnore,
  proxySecretRef,
  sourceStatus,
  sourceVerificationFingerprint,
} from './fields.ts';

const ref = object(
  {
    branch: optional(text('Branch to follow. `master` if nothing else is set.')),
    tag: optional(text('Tag to check out. Takes precedence over `branch`.')),
    semver: optional(
      text(
        'Range of semantic versions, such as `>=1.2.0 <2.0.0`: the highest tag in it is used. Takes precedence over `tag`.',
      ),
    ),
    name: optional(
      text(
        'Full name of a Git reference, such as `refs/heads/main` or `refs/pull/420/head`. Takes precedence over `branch`, `tag` and `semver`.',
      ),
    ),
    commit: optional(
      text(
        'SHA of the commit to check out. Takes precedence over everything else; with `branch` set, it is looked for on that branch only.',
      ),
    ),
  },
  'The branch, tag, range of versions, reference or commit to check out.',
);

function inclusion(description: string) {
  return object(
    {
      repository: localReference(
        'The GitRepository whose content is included. It must be in the same namespace.',
        'GitRepository',
      ),
      fromPath: optional(text('Folder of the included repository to copy. Defaults to its root.')),
      toPath: optional(
        text(
          'Folder of this artifact to copy to. Defaults to the name of the included repository.',
        ),
      ),
    },
    description,
  );
}

const verify = object(
  {
    mode: optional(
      choice(
        ['head', 'HEAD', 'Tag', 'TagAndHEAD'],
        'What must carry a good signature: the commit (`HEAD`, in either spelling), the tag, or both.',
        { default: 'HEAD' },
      ),
    ),
    secretRef: localReference(
      'The Secret with the public keys of trusted authors, one a key of the Secret.',
      'Secret',
    ),
  },
  'Require a signature. Without a good one the source is not updated.',
);

const spec = object(
  {
    url: text('Address of the repository: http://, https:// or ssh://.', {
      pattern: '^(http|https|ssh)://.*$',
    }),
    ref: optional(ref),
    interval: duration(
      'How often to ask the repository for changes, such as `1m0s`. A webhook or a reconcile request makes it ask at once.',
    ),
    timeout: optional(
      shortDuration('Longest time for one Git operation, such as fetching. Defaults to `60s`.', {
        default: '60s',
      }),
    ),
    secretRef: optional(
      localReference(
        'The Secret with the credentials. HTTP(S): `username` and `password`, or `bearerToken`; `ca.crt` for a private authority, `tls.crt` and `tls.key` for a client certificate. SSH: `identity` and `known_hosts`, and `password` where the key has a passphrase.',
        'Secret',
      ),
    ),
    provider: optional(
      choice(
        ['generic', 'aws', 'azure', 'github'],
        'How to authenticate: with the credentials of `secretRef` (`generic`, the default), as a GitHub App, or with an identity of the cloud provider.',
      ),
    ),
    serviceAccountName: optional(
      text(
        'ServiceAccount of this namespace whose cloud identity is used. Only with the providers `azure` and `aws`.',
      ),
    ),
    proxySecretRef,
    verify: optional(verify),
    ignore,
    sparseCheckout: optional(
      list(text('A folder of the repository.'), 'Folders to check out, when not the whole tree.'),
    ),
    recurseSubmodules: optional(
      flag('Check out submodules too, with the same credentials as the repository.'),
    ),
    lfs: optional(
      flag(
        'Put the contents of Git LFS in the place of their pointers, with the same credentials as the repository. Not in Flux, which leaves pointers as they are.',
      ),
    ),
    include: optional(
      list(
        inclusion('Content of another GitRepository to copy in.'),
        'Other GitRepositories whose content becomes part of this artifact.',
      ),
    ),
    suspend: optional(flag('Stop asking for changes. What was fetched stays available.')),
  },
  'What to fetch, and how often.',
  {
    rules: [
      {
        rule: "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
        message: "serviceAccountName can only be set when provider is 'azure' or 'aws'",
        holds: ({ serviceAccountName, provider }) =>
          serviceAccountName === undefined || provider === 'azure' || provider === 'aws',
      },
    ],
  },
);

const status = sourceStatus('The content that was last fetched and stored.', {
  includedArtifacts: optional(
    list(
      artifactSchema('An artifact that was included.'),
      'The artifacts of spec.include that went into the current one, in its order.',
    ),
  ),
  observedIgnore,
  observedInclude: optional(
    list(inclusion('An inclusion.'), 'The spec.include that the current artifact was made with.'),
  ),
  observedLfs: optional(flag('The spec.lfs that the current artifact was made with.')),
  observedRecurseSubmodules: optional(
    flag('The spec.recurseSubmodules that the current artifact was made with.'),
  ),
  observedSparseCheckout: optional(
    list(
      text('A folder of the repository.'),
      'The spec.sparseCheckout that the current artifact was made with.',
    ),
  ),
  sourceVerificationFingerprint,
  sourceVerificationMode: optional(
    text('What was verified of the current artifact: see spec.verify.mode.'),
  ),
});

export type GitRepositorySpec = Static<typeof spec>;
export type GitRepositoryStatus = Static<typeof status>;
export type GitRepository = Resource<GitRepositorySpec, GitRepositoryStatus>;

export const GitRepository = defineKind(
  {
    group: 'source.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'GitRepository',
    plural: 'gitrepositories',
    shortNames: ['gitrepo'],
    categories: ['all', 'fluxcd', 'fluxcd-sources'],
    description: 'A Git repository whose content at a ref is fetched and offered as an artifact.',
    columns: [{ name: 'URL', type: 'string', jsonPath: '.spec.url' }, AGE, ...READY_COLUMNS],
  },
  spec,
  status,
);

// ImageUpdateAutomation: the images that policies chose, written into a Git repository as commits.
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
  list,
  localReference,
  mapOf,
  object,
  optional,
  text,
  time,
} from '../schema/schema.ts';
import { imageRef } from './fields.ts';
import { pullRequest } from './pullrequest.ts';

const sourceRef = object(
  {
    apiVersion: optional(text('API version of the source. The served one if left out.')),
    kind: choice(['GitRepository'], 'Kind of the source.', { default: 'GitRepository' }),
    name: text('Name of the source.'),
    namespace: optional(
      text('Namespace of the source. Defaults to the one of the ImageUpdateAutomation.'),
    ),
  },
  'The GitRepository that names the repository, its credentials and, unless spec.git.checkout does, the branch.',
);

const checkout = object(
  {
    ref: object(
      {
        branch: optional(text('Branch to begin with. `master` if nothing else is set.')),
        tag: optional(text('Tag to begin with. Takes precedence over `branch`.')),
        semver: optional(
          text(
            'Range of semantic versions: the highest tag in it is used. Takes precedence over `branch`.',
          ),
        ),
        name: optional(
          text('Full name of a Git reference. Takes precedence over `branch`, `tag` and `semver`.'),
        ),
        commit: optional(text('SHA of a commit. Takes precedence over everything else.')),
      },
      'The branch, tag, range of versions, reference or commit to begin with.',
    ),
  },
  'Begin with another reference than the one of the GitRepository.',
);

const author = object(
  {
    name: optional(text('Name of the author.')),
    email: text('Address of the author.'),
  },
  'Who is named as author and committer.',
);

const signingKey = object(
  {
    type: optional(choice(['gpg', 'ssh'], 'The kind of key: OpenPGP (`gpg`, the default) or SSH.')),
    secretRef: localReference(
      'The Secret with the key, in the namespace of the ImageUpdateAutomation: `git.asc` and `passphrase` for OpenPGP, `identity` and `password` for SSH.',
      'Secret',
    ),
  },
  'Sign commits with this key.',
);

const commit = object(
  {
    author,
    signingKey: optional(signingKey),
    messageTemplate: optional(
      text(
        'The message as a Go template with the functions of sprig. Its values are `.AutomationObject`, `.Changed.FileChanges`, `.Changed.Objects`, `.Changed.Changes` and `.Values`.',
      ),
    ),
    messageTemplateValues: optional(dictionary('Values for the template, as `.Values`.')),
  },
  'How commits are made.',
);

const push = object(
  {
    branch: optional(
      text(
        'Branch to push to; made from the reference that is checked out if it is not there. Defaults to the branch that is checked out.',
      ),
    ),
    refspec: optional(text('Refspec to push too, besides the branch.', { pattern: '^$|^[^+:]' })),
    options: optional(dictionary('Push options for the server.')),
  },
  'Where commits are pushed to.',
);

const labelSelector = object(
  {
    matchLabels: optional(dictionary('Labels and the values that they must have.')),
    matchExpressions: optional(
      list(
        object(
          {
            key: text('Key of the label.'),
            operator: text('`In`, `NotIn`, `Exists` or `DoesNotExist`.'),
            values: optional(list(text('A value.'), 'The values for `In` and `NotIn`.')),
          },
          'What a label must be like.',
        ),
        'What labels must be like; all of it has to hold.',
      ),
    ),
  },
  'Which ImagePolicies of the namespace count. Defaults to all of them.',
);

const spec = object(
  {
    sourceRef,
    git: optional(
      object(
        {
          checkout: optional(checkout),
          commit,
          push: optional(push),
          pullRequest: optional(pullRequest),
          respectReverts: optional(
            flag(
              'Do not set an image again that was set by a commit which somebody has reverted (`git revert`), until its policy chooses another one.',
            ),
          ),
        },
        'How to check out, commit and push.',
      ),
    ),
    interval: duration(
      'How often to look at the repository. A policy that chooses another image makes it run at once.',
    ),
    policySelector: optional(labelSelector),
    policyChangeDelay: optional(
      duration(
        'How long to wait for further changes after a policy has chosen another image, so that they become one commit. Each further change begins the wait anew, four times at most.',
      ),
    ),
    update: optional(
      object(
        {
          strategy: optional(
            choice(['Setters'], 'How images are found: by the markers in comments.', {
              default: 'Setters',
            }),
          ),
          path: optional(text('Folder whose files are updated. Defaults to the root.')),
        },
        'What to update.',
        { default: { strategy: 'Setters' } },
      ),
    ),
    suspend: optional(flag('Stop updating.')),
  },
  'Which repository to update, how, and how often.',
);

const status = object(
  {
    conditions: optional(conditionsSchema),
    lastAutomationRunTime: optional(time('When it ran last.')),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
    lastPushCommit: optional(text('SHA of the commit that was pushed last.')),
    lastPushTime: optional(time('When a commit was pushed last.')),
    observedGeneration: optional(observedGeneration),
    observedPolicies: optional(
      mapOf(
        imageRef('An image that a policy chose.'),
        'What the policies had chosen when it ran last, by their names.',
      ),
    ),
    observedSourceRevision: optional(
      text('The revision of the repository that it saw, or made, last.'),
    ),
  },
  'What was seen and pushed last, and how that went.',
  { default: NEVER_OBSERVED },
);

export type ImageUpdateAutomationSpec = Static<typeof spec>;
export type ImageUpdateAutomationStatus = Static<typeof status>;
export type ImageUpdateAutomation = Resource<
  ImageUpdateAutomationSpec,
  ImageUpdateAutomationStatus
>;

export const ImageUpdateAutomation = defineKind(
  {
    group: 'image.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'ImageUpdateAutomation',
    plural: 'imageupdateautomations',
    shortNames: ['imgauto', 'imgupd', 'iua'],
    categories: ['all', 'fluxcd', 'fluxcd-images'],
    description: 'Writes the images that policies chose into a Git repository, and pushes commits.',
    columns: [
      ...READY_COLUMNS,
      {
        name: 'Last run',
        type: 'string',
        jsonPath: '.status.lastAutomationRunTime',
        priority: 1,
      },
      AGE,
    ],
  },
  spec,
  status,
);

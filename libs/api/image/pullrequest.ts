// spec.git.pullRequest of an ImageUpdateAutomation: a field of Weir, which Flux doesn't have.
import type { Static } from 'typebox';
import { choice, list, localReference, object, optional, text } from '../schema/schema.ts';

const template =
  'A Go template with the values of `messageTemplate`, and `.Images`: the table of what changes.';

export const pullRequest = object(
  {
    provider: optional(
      choice(
        ['github', 'gitlab', 'gitea', 'bitbucket', 'azuredevops'],
        'The kind of hosting service; Forgejo is `gitea`. Found by the host of the repository for the public ones.',
      ),
    ),
    apiURL: optional(
      text(
        'Address of the API, such as `https://git.example.com/api/v4`. Made from the address of the repository if left out.',
        { pattern: '^https?://.*$' },
      ),
    ),
    secretRef: optional(
      localReference(
        'The Secret with a `token`, or `username` and `password`, for the API. Defaults to the credentials of the GitRepository.',
        'Secret',
      ),
    ),
    base: optional(
      text(
        'The branch that a pull request is to be merged into. Defaults to the branch that is checked out.',
      ),
    ),
    branches: optional(
      choice(
        ['One', 'PerPolicy'],
        'One pull request for all changes (`One`, the default), on the branch `spec.git.push.branch`; or one for each policy, on that branch with `-` and the name of the policy behind it.',
      ),
    ),
    title: optional(text(`Title. ${template}`)),
    body: optional(text(`Description. ${template}`)),
    labels: optional(
      list(
        text('A label, or a template of one.'),
        'Labels of the pull request. A hosting service that has none gets none.',
        { maxItems: 20 },
      ),
    ),
    reviewers: optional(
      list(
        text('A user by the name that the hosting service knows, or a template of one.'),
        'Who is asked for a review.',
        { maxItems: 20 },
      ),
    ),
  },
  'Open a pull request for what is pushed to `spec.git.push.branch`, keep it up to date while it is open, and close it when its change is no longer wanted.',
);

export type PullRequestSpec = Static<typeof pullRequest>;

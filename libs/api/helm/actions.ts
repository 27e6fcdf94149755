// How a HelmRelease is installed, upgraded, tested, rolled back and uninstalled.
import {
  choice,
  duration,
  flag,
  integer,
  list,
  object,
  optional,
  type Rule,
  text,
} from '../schema/schema.ts';

const timeout = optional(
  duration('Longest time for one operation, such as a hook. Defaults to `spec.timeout`.'),
);
const disableWait = optional(flag('Do not wait until what was applied is ready.'));
const disableWaitForJobs = optional(flag('Do not wait until Jobs are done.'));
const disableHooks = optional(flag('Run no hooks.'));
const disableOpenAPIValidation = optional(
  flag('Do not validate manifests against the schemas of the API server.'),
);
const disableSchemaValidation = optional(
  flag("Do not validate values against the chart's schema."),
);
const disableTakeOwnership = optional(
  flag('Fail where an object exists already that belongs to no release or to another one.'),
);
const crds = optional(
  choice(
    ['Skip', 'Create', 'CreateReplace'],
    "What to do with the chart's folder `crds`: nothing, create what is missing, or replace what is there too. Defaults to `Create`.",
  ),
);
const retries = optional(
  integer(
    'How often to try again after a failure. Negative: without end. Defaults to 0. Counts for the strategy `RetryOnFailure` too, where it is set.',
  ),
);
const remediateLastFailure = (or: string) =>
  optional(flag(`Remediate the last failure too, when no retry is left. Defaults to ${or}.`));
const ignoreTestFailures = optional(
  flag('Do not remediate when tests fail. Defaults to `spec.test.ignoreFailures`.'),
);
const serverSideApply = (description: string) =>
  optional(choice(['enabled', 'disabled', 'auto'], description));

interface Strategy {
  name: string;
  retryInterval?: string;
}

function strategy(rule: Rule<Strategy>) {
  return optional(
    object(
      {
        name: choice(
          ['RemediateOnFailure', 'RetryOnFailure'],
          'Remediate and then try again, or just try again by an upgrade.',
        ),
        retryInterval: optional(
          duration('How long to wait before the next try of `RetryOnFailure`. Defaults to `5m`.'),
        ),
      },
      'What to do after a failure.',
      { rules: [rule] },
    ),
  );
}

export const install = object(
  {
    timeout,
    strategy: strategy({
      rule: "!has(self.retryInterval) || self.name != 'RemediateOnFailure'",
      message: ".retryInterval cannot be set when .name is 'RemediateOnFailure'",
      holds: ({ name, retryInterval }) =>
        retryInterval === undefined || name !== 'RemediateOnFailure',
    }),
    remediation: optional(
      object(
        { retries, ignoreTestFailures, remediateLastFailure: remediateLastFailure('false') },
        'What to do after a failed install: it is uninstalled.',
      ),
    ),
    disableTakeOwnership,
    disableWait,
    disableWaitForJobs,
    disableHooks,
    disableOpenAPIValidation,
    disableSchemaValidation,
    replace: optional(flag('Use a release name again whose release was uninstalled.')),
    skipCRDs: optional(flag('Without effect: use `crds: Skip`.')),
    crds,
    createNamespace: optional(flag('Create `spec.targetNamespace` if it does not exist.')),
    serverSideApply: optional(flag('Apply on the side of the server. Defaults to true.')),
  },
  'How to install.',
);

export const upgrade = object(
  {
    timeout,
    strategy: strategy({
      rule: "!has(self.retryInterval) || self.name == 'RetryOnFailure'",
      message: ".retryInterval can only be set when .name is 'RetryOnFailure'",
      holds: ({ name, retryInterval }) => retryInterval === undefined || name === 'RetryOnFailure',
    }),
    remediation: optional(
      object(
        {
          retries,
          ignoreTestFailures,
          remediateLastFailure: remediateLastFailure('true if `retries` is greater than 0'),
          strategy: optional(
            choice(
              ['rollback', 'uninstall'],
              'Go back to the last good release (the default), or uninstall.',
            ),
          ),
        },
        'What to do after a failed upgrade.',
      ),
    ),
    disableTakeOwnership,
    disableWait,
    disableWaitForJobs,
    disableHooks,
    disableOpenAPIValidation,
    disableSchemaValidation,
    force: optional(
      flag('Replace objects and do not patch them. Without effect on the side of the server.'),
    ),
    preserveValues: optional(flag('Merge the values over those of the last release.')),
    cleanupOnFail: optional(flag('Delete what a failed upgrade has created.')),
    crds,
    serverSideApply: serverSideApply(
      'Apply on the side of the server, or as the last release did (`auto`, the default).',
    ),
    chartNameChangeStrategy: optional(
      choice(
        ['InPlaceUpdate', 'Reinstall'],
        'What to do when the chart has another name: upgrade, or uninstall first (the default).',
      ),
    ),
  },
  'How to upgrade.',
);

export const test = object(
  {
    enable: optional(flag("Run the chart's tests after an install or upgrade.")),
    timeout,
    ignoreFailures: optional(flag('Be ready although tests fail.')),
    filters: optional(
      list(
        object(
          {
            name: text('Name of the test.', { minLength: 1, maxLength: 253 }),
            exclude: optional(flag('Run all tests but this one.')),
          },
          'One test.',
        ),
        'Which tests to run.',
      ),
    ),
  },
  'How to test.',
);

export const rollback = object(
  {
    timeout,
    disableWait,
    disableWaitForJobs,
    disableHooks,
    recreate: optional(flag('Without effect.')),
    force: optional(
      flag('Replace objects and do not patch them. Without effect on the side of the server.'),
    ),
    cleanupOnFail: optional(flag('Delete what a failed rollback has created.')),
    serverSideApply: serverSideApply(
      'Apply on the side of the server, or as the release did that is gone back to (`auto`, the default).',
    ),
  },
  'How to roll back.',
);

export const uninstall = object(
  {
    timeout,
    disableHooks,
    keepHistory: optional(flag("Keep the release in Helm's storage, as uninstalled.")),
    disableWait: optional(flag('Do not wait until everything is gone.')),
    deletionPropagation: optional(
      choice(
        ['background', 'foreground', 'orphan'],
        'What becomes of what the deleted objects own.',
        { default: 'background' },
      ),
    ),
  },
  'How to uninstall.',
);

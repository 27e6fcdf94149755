// Provider: a service that alerts are sent to.
import type { Static } from 'typebox';
import { AGE, alsoServed, defineKind, type Kind, type Resource } from '../schema/kind.ts';
import {
  choice,
  duration,
  flag,
  localReference,
  object,
  optional,
  type Rule,
  shortDuration,
  text,
} from '../schema/schema.ts';

const LONGEST = 2048;

/** The types that are Git hosts, where an alert becomes the status of a commit. */
const COMMIT_STATUS_TYPES: readonly string[] = [
  'github',
  'gitlab',
  'gitea',
  'bitbucketserver',
  'bitbucket',
  'azuredevops',
];

const OLDER_TYPES = [
  'slack',
  'discord',
  'msteams',
  'rocket',
  'generic',
  'generic-hmac',
  'github',
  'gitlab',
  'gitea',
  'giteapullrequestcomment',
  'bitbucketserver',
  'bitbucket',
  'azuredevops',
  'googlechat',
  'googlepubsub',
  'webex',
  'sentry',
  'azureeventhub',
  'telegram',
  'lark',
  'matrix',
  'opsgenie',
  'alertmanager',
  'grafana',
  'githubdispatch',
  'githubpullrequestcomment',
  'gitlabmergerequestcomment',
  'pagerduty',
  'datadog',
  'nats',
  'zulip',
  'otel',
] as const;

/** The languages of the texts that Weir adds to messages. */
const LOCALES = ['en', 'zh'] as const;

/** Types that v1 added; v1beta3 does not have them. */
const TYPES = [...OLDER_TYPES, 'zoom', 'incident.io', 'mastodon'] as const;

const fields = {
  address: optional(
    text(
      'Where to send: a webhook, an endpoint or a server, as the type wants it. A Secret with an `address` comes first.',
      {
        maxLength: LONGEST,
      },
    ),
  ),
  channel: optional(
    text('Channel, room, topic or routing key to post to, where the type has one.', {
      maxLength: LONGEST,
    }),
  ),
  username: optional(
    text('Name to post under, where the type lets one choose it.', { maxLength: LONGEST }),
  ),
  secretRef: optional(
    localReference(
      'The Secret with the credentials: `token`, `address`, `password`, `headers` and others, as the type wants them.',
      'Secret',
    ),
  ),
  certSecretRef: optional(
    localReference(
      'The Secret for TLS: `ca.crt` for a private authority, `tls.crt` and `tls.key` for a client certificate.',
      'Secret',
    ),
  ),
  proxySecretRef: optional(
    localReference(
      'The Secret that names an HTTP(S) proxy: `address`, and `username` with `password` if it wants them.',
      'Secret',
    ),
  ),
  // Flux's v1 has neither this field nor the interval below. They are also in v1beta3, because the API server would
  // otherwise drop them from objects of that version.
  proxy: optional(
    text(
      'Address of an HTTP(S) proxy. Prefer `proxySecretRef`, which keeps credentials out of sight.',
      {
        pattern: '^(http|https)://.*$',
        maxLength: LONGEST,
      },
    ),
  ),
  serviceAccountName: optional(
    text(
      'ServiceAccount of this namespace whose cloud identity is used, for types that are cloud services.',
    ),
  ),
  commitStatusExpr: optional(
    text(
      'CEL expression for the name of the commit status that the Git hosts show. `event`, `alert` and `provider` are given to it. Only for types that are Git hosts.',
    ),
  ),
  timeout: optional(shortDuration('Longest time for sending one alert, such as `15s`.')),
  interval: optional(
    duration(
      'Accepted for compatibility and without effect: a Provider is used when an alert is sent.',
    ),
  ),
  suspend: optional(flag('Send nothing to this place.')),
  // A field of Weir alone: docs/compatibility.md.
  locale: optional(
    choice(
      LOCALES,
      'Language of the words that are added to messages, for `slack` and `lark`: English or Chinese. What controllers say stays as it is.',
    ),
  ),
};

const TYPE_DESCRIPTION =
  'What kind of place this is; `lark` is Feishu too. The other fields mean what that place calls so.';

const GIT_HOSTS_ONLY: Rule<{ type: string; commitStatusExpr?: string }> = {
  rule: `${COMMIT_STATUS_TYPES.map((type) => `self.type == '${type}'`).join(' || ')} || !has(self.commitStatusExpr)`,
  message: `spec.commitStatusExpr is only supported for the ${COMMIT_STATUS_TYPES.map((type) => `'${type}'`).join(', ')} provider types`,
  holds: ({ type, commitStatusExpr }) =>
    COMMIT_STATUS_TYPES.includes(type) || commitStatusExpr === undefined,
};
const DESCRIPTION = 'Where to send alerts, and with which credentials.';

const spec = object({ type: choice(TYPES, TYPE_DESCRIPTION), ...fields }, DESCRIPTION, {
  rules: [GIT_HOSTS_ONLY],
});
const olderSpec = object({ type: choice(OLDER_TYPES, TYPE_DESCRIPTION), ...fields }, DESCRIPTION, {
  rules: [GIT_HOSTS_ONLY],
});

export type ProviderSpec = Static<typeof spec>;
export type Locale = (typeof LOCALES)[number];
export type Provider = Resource<ProviderSpec>;

const v1: Kind<ProviderSpec, never> = defineKind(
  {
    group: 'notification.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Provider',
    plural: 'providers',
    categories: ['all', 'fluxcd', 'fluxcd-notifications'],
    description:
      'A place that alerts are sent to: a chat, an incident service, a Git host or a webhook.',
    columns: [AGE],
  },
  spec,
);

export const Provider = alsoServed(v1, 'v1beta3', olderSpec);

// Every type of Provider.
import type { Provider, ProviderSpec } from '@weir/api';
import { discord } from './chat/discord.ts';
import { googlechat } from './chat/googlechat.ts';
import { lark } from './chat/lark.ts';
import { mastodon } from './chat/mastodon.ts';
import { matrix } from './chat/matrix.ts';
import { msteams } from './chat/msteams.ts';
import { rocket } from './chat/rocket.ts';
import { slack } from './chat/slack.ts';
import { telegram } from './chat/telegram.ts';
import { webex } from './chat/webex.ts';
import { zoom } from './chat/zoom.ts';
import { zulip } from './chat/zulip.ts';
import {
  giteapullrequestcomment,
  githubdispatch,
  githubpullrequestcomment,
  gitlabmergerequestcomment,
} from './forge/comments.ts';
import {
  azuredevops,
  bitbucket,
  bitbucketserver,
  gitea,
  github,
  gitlab,
} from './forge/statuses.ts';
import { alertmanager } from './incident/alertmanager.ts';
import { datadog } from './incident/datadog.ts';
import { grafana } from './incident/grafana.ts';
import { incidentio } from './incident/incidentio.ts';
import { opsgenie } from './incident/opsgenie.ts';
import { otel } from './incident/otel.ts';
import { pagerduty } from './incident/pagerduty.ts';
import { sentry } from './incident/sentry.ts';
import type { ProviderType } from './provider.ts';
import { azureeventhub } from './queue/azureeventhub.ts';
import { googlepubsub } from './queue/googlepubsub.ts';
import { nats } from './queue/nats.ts';
import { generic, genericHmac } from './webhook/generic.ts';

const TYPES: Readonly<Record<ProviderSpec['type'], ProviderType>> = {
  alertmanager,
  azuredevops,
  azureeventhub,
  bitbucket,
  bitbucketserver,
  datadog,
  discord,
  generic,
  'generic-hmac': genericHmac,
  gitea,
  giteapullrequestcomment,
  github,
  githubdispatch,
  githubpullrequestcomment,
  gitlab,
  gitlabmergerequestcomment,
  googlechat,
  googlepubsub,
  grafana,
  'incident.io': incidentio,
  lark,
  mastodon,
  matrix,
  msteams,
  nats,
  opsgenie,
  otel,
  pagerduty,
  rocket,
  sentry,
  slack,
  telegram,
  webex,
  zoom,
  zulip,
};

/** The names of all types. */
export const TYPE_NAMES: readonly string[] = Object.keys(TYPES);

/** What a Provider is of; undefined for a type that a newer definition of the kind has, and Weir has not. */
export function typeOf(provider: Pick<Provider, 'spec'>): ProviderType | undefined {
  return Object.hasOwn(TYPES, provider.spec.type) ? TYPES[provider.spec.type] : undefined;
}

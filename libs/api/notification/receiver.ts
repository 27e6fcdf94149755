// Receiver: a webhook that requests the reconciliation of objects when it is called.
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
  object,
  optional,
  type Rule,
  text,
} from '../schema/schema.ts';
import { EVENT_SOURCES } from './sources.ts';

const name = { minLength: 1, maxLength: 253 };
const OIDC = 'generic-oidc';

const TYPES = [
  'generic',
  'generic-hmac',
  OIDC,
  'github',
  'gitlab',
  'bitbucket',
  'harbor',
  'dockerhub',
  'quay',
  'gcr',
  'nexus',
  'acr',
  'cdevents',
] as const;

const resource = object(
  {
    apiVersion: optional(
      text('API version of the objects. May be left out for sources and ImageRepositories.'),
    ),
    kind: choice(EVENT_SOURCES, 'Kind of the objects.'),
    name: text('Name of the object, or `*` for all with the labels in `matchLabels`.', name),
    namespace: optional(
      text('Namespace of the objects. Defaults to the namespace of the Receiver.', name),
    ),
    matchLabels: optional(
      dictionary('Labels that the objects must carry. Only together with the name `*`.'),
    ),
    filter: optional(
      text(
        'CEL expression that decides for each of these objects whether it is reconciled, besides `resourceFilter` and with the same variables.',
      ),
    ),
  },
  'Objects that are reconciled.',
);

const oidcProvider = object(
  {
    issuerURL: text('The issuer, as the `iss` of its tokens names it.', {
      pattern: '^https?://',
    }),
    audience: optional(
      text('What `aud` of a token must name. Defaults to `notification-controller`.'),
    ),
    variables: optional(
      list(
        object(
          {
            name: text('Name of the variable: `vars.<name>` in what follows.'),
            expression: text('CEL expression over `claims` and the variables before it.'),
          },
          'A value that later expressions share.',
        ),
        'Values that expressions share, in this order.',
      ),
    ),
    validations: list(
      object(
        {
          expression: text('CEL expression over `claims` and `vars` that must be true.'),
          message: text('What is wrong with a token for which it is not true.'),
        },
        'A check of a token.',
      ),
      'Checks that a token must pass, all of them. Without one that names the caller, everybody whom the issuer knows may call.',
      { minItems: 1 },
    ),
  },
  'An issuer whose tokens are accepted.',
);

type Rules = { type: string; oidcProviders?: readonly unknown[]; secretRef?: unknown };

const RULES: Rule<Rules>[] = [
  {
    rule: `self.type != '${OIDC}' || (has(self.oidcProviders) && size(self.oidcProviders) > 0)`,
    message: `${OIDC} receivers must define at least one oidcProvider`,
    holds: ({ type, oidcProviders = [] }) => type !== OIDC || oidcProviders.length > 0,
  },
  {
    rule: `self.type == '${OIDC}' || !has(self.oidcProviders) || size(self.oidcProviders) == 0`,
    message: `oidcProviders can only be set when type is ${OIDC}`,
    holds: ({ type, oidcProviders = [] }) => type === OIDC || oidcProviders.length === 0,
  },
  {
    rule: `self.type != '${OIDC}' || !has(self.secretRef)`,
    message: `secretRef cannot be set when type is ${OIDC}`,
    holds: ({ type, secretRef }) => type !== OIDC || secretRef === undefined,
  },
  {
    rule: `self.type == '${OIDC}' || has(self.secretRef)`,
    message: `secretRef is required when type is not ${OIDC}`,
    holds: ({ type, secretRef }) => type === OIDC || secretRef !== undefined,
  },
];

const spec = object(
  {
    type: choice(TYPES, 'Who calls, which decides how a call is checked.'),
    interval: optional(
      duration('How often the webhook is looked at again, such as for a new token.', {
        default: '10m',
      }),
    ),
    events: optional(
      list(
        text('Name of an event, as the caller has it.'),
        'Events that count; all of them if left out.',
      ),
    ),
    resources: list(resource, 'The objects that are reconciled when the webhook is called.'),
    resourceFilter: optional(
      text(
        'CEL expression that decides for each object whether it is reconciled: `req` is the body, `res` the metadata of the object, `claims` those of the token for `generic-oidc`.',
      ),
    ),
    secretRef: optional(
      localReference(
        'The Secret with the `token` that callers know, and is part of the path.',
        'Secret',
      ),
    ),
    oidcProviders: optional(
      list(oidcProvider, 'Issuers whose tokens are accepted. Only for `generic-oidc`.'),
    ),
    suspend: optional(flag('Answer no calls.')),
  },
  'Who may call, and what is reconciled then.',
  { rules: RULES },
);

const status = object(
  {
    conditions: optional(conditionsSchema),
    webhookPath: optional(text('The path of the webhook.')),
    observedGeneration: optional(observedGeneration),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
  },
  'Where the webhook is.',
  { default: NEVER_OBSERVED },
);

export type ReceiverSpec = Static<typeof spec>;
export type ReceiverStatus = Static<typeof status>;
export type Receiver = Resource<ReceiverSpec, ReceiverStatus>;

export const Receiver = defineKind(
  {
    group: 'notification.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Receiver',
    plural: 'receivers',
    categories: ['all', 'fluxcd', 'fluxcd-notifications'],
    description: 'A webhook that has objects reconciled when it is called.',
    columns: [AGE, ...READY_COLUMNS],
  },
  spec,
  status,
);

// Alert: which events are sent to a Provider.
import type { Static } from 'typebox';
import { AGE, alsoServed, defineKind, type Kind, type Resource } from '../schema/kind.ts';
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
import { EVENT_SOURCES } from './sources.ts';

const name = { minLength: 1, maxLength: 253 };

const eventSource = object(
  {
    apiVersion: optional(
      text('API version of the objects. Any version of their kind if left out.'),
    ),
    kind: choice(EVENT_SOURCES, 'Kind of the objects.'),
    name: text('Name of the object, or `*` for all of this kind.', name),
    namespace: optional(
      text('Namespace of the objects. Defaults to the namespace of the Alert.', name),
    ),
    matchLabels: optional(
      dictionary('Labels that the object must carry. Only together with the name `*`.'),
    ),
  },
  'Objects whose events are sent.',
);

const grouping = object(
  {
    window: optional(
      shortDuration(
        'How long failures of one kind are collected for one message, 10 minutes at most. `0s` sends each failure on its own.',
        { default: '30s' },
      ),
    ),
    reminder: optional(
      duration(
        'How often a failure that goes on is sent again, at least 1 minute. `0s` sends no reminders.',
        { default: '4h' },
      ),
    ),
  },
  'Sends failures that are alike as one message, which says how many there are, and one more when they are over. Not for commit statuses and comments.',
);

const template = object(
  {
    title: optional(
      text('Go template of the title, where messages have one.', { maxLength: 2_048 }),
    ),
    body: optional(text('Go template of the text of the message.', { maxLength: 16_384 })),
  },
  'Words of your own for the messages, as templates of Go with the functions of sprig. Not for commit statuses and comments.',
);

const spec = object(
  {
    providerRef: localReference(
      'The Provider to send to, in the namespace of the Alert.',
      'Provider',
    ),
    eventSources: list(eventSource, 'The objects whose events are sent.'),
    eventSeverity: optional(
      choice(
        ['info', 'error'],
        'The least severity to send: `info` is everything, `error` is failures only.',
        {
          default: 'info',
        },
      ),
    ),
    inclusionList: optional(
      list(
        text('A Go regular expression.'),
        'Send only events whose message matches one of these expressions.',
      ),
    ),
    exclusionList: optional(
      list(
        text('A Go regular expression.'),
        'Do not send events whose message matches one of these expressions, included or not.',
      ),
    ),
    eventMetadata: optional(
      dictionary(
        'Facts to add to every message, such as the cluster or the region. What the event says itself comes first.',
      ),
    ),
    // Flux's v1 does not have this field. It is also in v1beta3, because the API server would otherwise drop it from
    // objects of that version.
    summary: optional(
      text(
        'A short text to add to every message. Prefer a `summary` in `eventMetadata`; with both, this one is used.',
        {
          maxLength: 255,
        },
      ),
    ),
    // Flux has neither this field nor the template below. Without them, an Alert behaves as it does in Flux.
    grouping: optional(grouping),
    template: optional(template),
    suspend: optional(flag('Send nothing.')),
  },
  'Which events to send, and where to.',
);

export type AlertSpec = Static<typeof spec>;
export type AlertEventSource = AlertSpec['eventSources'][number];
export type Alert = Resource<AlertSpec>;

const v1: Kind<AlertSpec, never> = defineKind(
  {
    group: 'notification.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Alert',
    plural: 'alerts',
    categories: ['all', 'fluxcd', 'fluxcd-notifications'],
    description: 'A choice of events that are sent to a Provider.',
    columns: [AGE],
  },
  spec,
);

export const Alert = alsoServed(v1, 'v1beta3', spec);

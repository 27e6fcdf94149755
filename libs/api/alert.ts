// Alert: which events are sent to a Provider.
import type { Static } from 'typebox';
import { AGE, defineKind, type Resource } from './kind.ts';
import {
  choice,
  dictionary,
  flag,
  list,
  localReference,
  object,
  optional,
  text,
} from './schema.ts';

const name = { minLength: 1, maxLength: 253 };

const eventSource = object(
  {
    apiVersion: optional(
      text('API version of the objects. Any version of their kind if left out.'),
    ),
    kind: choice(
      [
        'Bucket',
        'GitRepository',
        'Kustomization',
        'HelmRelease',
        'HelmChart',
        'HelmRepository',
        'ImageRepository',
        'ImagePolicy',
        'ImageUpdateAutomation',
        'OCIRepository',
        'ArtifactGenerator',
        'ExternalArtifact',
      ],
      'Kind of the objects.',
    ),
    name: text('Name of the object, or `*` for all of this kind.', name),
    namespace: optional(
      text('Namespace of the objects. Defaults to the namespace of the Alert.', name),
    ),
    matchLabels: optional(
      dictionary('Labels that the object must carry. Only together with the name `*`.'),
    ),
  },
  'Objects to be told about.',
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
    summary: optional(
      text(
        'A short text to add to every message. Prefer a `summary` in `eventMetadata`; with both, this one is used.',
        {
          maxLength: 255,
        },
      ),
    ),
    suspend: optional(flag('Send nothing.')),
  },
  'Which events to send, and where to.',
);

export type AlertSpec = Static<typeof spec>;
export type AlertEventSource = AlertSpec['eventSources'][number];
export type Alert = Resource<AlertSpec>;

export const Alert = defineKind(
  {
    group: 'notification.toolkit.fluxcd.io',
    version: 'v1beta3',
    kind: 'Alert',
    plural: 'alerts',
    categories: ['all', 'fluxcd', 'fluxcd-notifications'],
    description: 'A choice of events that are sent to a Provider.',
    columns: [AGE],
  },
  spec,
);

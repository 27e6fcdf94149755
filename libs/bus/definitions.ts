// Every stream that Weir keeps in NATS: its owner, its contents and its bounds.
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';

/** The services that own streams. */
export type StreamOwner = 'source' | 'kustomize' | 'notification' | 'image-automation';

export type StreamName =
  | 'weir-artifacts'
  | 'weir-blobs'
  | 'OBJ_weir-objects'
  | 'weir-events'
  | 'weir-event-bodies'
  | 'weir-records'
  | 'weir-tags'
  | 'weir-deliveries'
  | 'weir-dead-letters'
  | 'weir-posts'
  | 'weir-groups'
  | 'weir-outcomes';

/** The operator's settings for streams. A service applies them to the streams that it owns. */
export interface StreamSettings {
  /** Copies of each stream: 1 on one server, 3 on a cluster of three or more. */
  replicas?: number;
  storage?: 'file' | 'memory';
  eventsMaxAgeMs?: number;
  eventsMaxBytes?: number;
  /** What all artifacts together may take, in bytes: a fifth of it for small ones, the rest for large ones. */
  storeMaxBytes?: number;
}

export type StreamDefinition = Partial<StreamConfig> & { name: string };

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The bucket of the JetStream object store whose stream is `OBJ_weir-objects` (ADR-20 of NATS). */
export const OBJECT_BUCKET = 'weir-objects';

interface Blueprint {
  /** The one service that creates the stream and changes its settings. The others wait for it. */
  owner: StreamOwner;
  /** The name that an earlier release gave to the stream, if it had another one. */
  formerly?: string;
  config(settings: StreamSettings): Partial<StreamConfig>;
}

const BLUEPRINTS: Record<StreamName, Blueprint> = {
  'weir-artifacts': {
    owner: 'source',
    formerly: 'artifacts',
    config: () => ({
      description: 'The newest artifact of each source',
      subjects: ['weir.artifact.>'],
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_bytes: 64 * MIB,
      max_msg_size: 16 * KIB,
    }),
  },
  'weir-blobs': {
    owner: 'source',
    formerly: 'blobs',
    config: ({ storeMaxBytes = 5 * GIB }) => ({
      description: 'Artifacts by digest: their index, and the parts that fit into a message',
      subjects: ['weir.blob.>'],
      // A full store refuses a new artifact; it never drops somebody else's.
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      max_bytes: Math.ceil(storeMaxBytes / 5),
    }),
  },
  'OBJ_weir-objects': {
    owner: 'source',
    config: ({ storeMaxBytes = 5 * GIB }) => ({
      description: 'Parts of artifacts that are too large for a message',
      subjects: [`$O.${OBJECT_BUCKET}.C.>`, `$O.${OBJECT_BUCKET}.M.>`],
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      max_bytes: storeMaxBytes - Math.ceil(storeMaxBytes / 5),
    }),
  },
  'weir-events': {
    // The service that reads events creates their stream: without it nobody would read them.
    owner: 'notification',
    formerly: 'events',
    config: ({ eventsMaxAgeMs = 7 * DAY_MS, eventsMaxBytes = GIB }) => ({
      description: 'What happened, for alerts and the audit trail',
      subjects: ['weir.event.>'],
      discard: DiscardPolicy.Old,
      // An object that reports one reason again and again displaces its own events and not those of others.
      max_msgs_per_subject: 100,
      max_age: nanos(eventsMaxAgeMs),
      max_bytes: eventsMaxBytes,
      max_msg_size: 256 * KIB,
    }),
  },
  'weir-event-bodies': {
    owner: 'notification',
    config: ({ eventsMaxAgeMs = 7 * DAY_MS }) => ({
      description: 'Events of other components that are too large for a message, in pieces',
      subjects: ['weir.event-body.>'],
      discard: DiscardPolicy.Old,
      // A subject is a namespace: its messages beyond 32 MiB displace its own older ones and not those of others.
      max_msgs_per_subject: 128,
      max_age: nanos(eventsMaxAgeMs),
      max_bytes: 256 * MIB,
      max_msg_size: 260 * KIB,
    }),
  },
  'weir-records': {
    owner: 'kustomize',
    formerly: 'records',
    config: () => ({
      description: 'What objects were last applied from',
      subjects: ['weir.record.>'],
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_bytes: 512 * MIB,
    }),
  },
  'weir-tags': {
    owner: 'image-automation',
    config: () => ({
      description: 'The tags of each ImageRepository, compressed',
      subjects: ['weir.tags.>'],
      // A list of tags that was dropped is made again from its registry when it is needed.
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_bytes: 512 * MIB,
    }),
  },
  'weir-deliveries': {
    owner: 'notification',
    config: () => ({
      description: 'One message for each event and alert: what is still to be sent',
      subjects: ['weir.delivery.>'],
      // Nothing is removed from this stream without a report. A publisher that finds it full removes deliveries and
      // reports each of them.
      discard: DiscardPolicy.New,
      max_msgs: 100_000,
      max_bytes: 256 * MIB,
      max_msg_size: 64 * KIB,
      // This is well beyond the day after which a delivery is given up.
      max_age: nanos(3 * DAY_MS),
      // An event that comes again after a crash within this time makes no second delivery.
      duplicate_window: nanos(10 * MINUTE_MS),
    }),
  },
  'weir-dead-letters': {
    owner: 'notification',
    config: () => ({
      description: 'Deliveries that were given up, each with the reason',
      subjects: ['weir.dead-letter.>'],
      discard: DiscardPolicy.Old,
      max_bytes: 64 * MIB,
      max_msg_size: 64 * KIB,
      max_age: nanos(7 * DAY_MS),
      duplicate_window: nanos(10 * MINUTE_MS),
    }),
  },
  'weir-posts': {
    owner: 'notification',
    config: () => ({
      description: 'What was posted where, so that the same message can be changed later',
      subjects: ['weir.post.>'],
      // A message whose id was dropped is posted again in place of being changed. The service bounds the subjects of
      // each namespace.
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_bytes: 64 * MIB,
      max_msg_size: 4 * KIB,
      // Feishu allows changes of a message for 14 days, and no rollout takes longer.
      max_age: nanos(14 * DAY_MS),
    }),
  },
  'weir-groups': {
    owner: 'notification',
    config: () => ({
      description: 'Failures that Alerts send as one message, and what fails in each of them',
      subjects: ['weir.group.>'],
      // A failure for which there is no room here is sent by itself. Nothing that is stored is dropped for it.
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      max_bytes: 128 * MIB,
      max_msg_size: 16 * KIB,
      // An object that still fails is written again each hour, so that it stays in the stream.
      max_age: nanos(7 * DAY_MS),
    }),
  },
  'weir-outcomes': {
    owner: 'notification',
    config: () => ({
      description: 'What of each Alert was delivered and failed last, and what is being sent',
      subjects: ['weir.outcome.>', 'weir.attempt.>'],
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_bytes: 32 * MIB,
      max_msg_size: 16 * KIB,
      max_age: nanos(7 * DAY_MS),
    }),
  },
};

export const STREAMS = Object.keys(BLUEPRINTS) as StreamName[];

export function streamDefinition(name: StreamName, settings: StreamSettings): StreamDefinition {
  return {
    name,
    retention: RetentionPolicy.Limits,
    storage: settings.storage === 'memory' ? StorageType.Memory : StorageType.File,
    num_replicas: settings.replicas ?? 1,
    duplicate_window: nanos(2 * MINUTE_MS),
    allow_direct: true,
    ...BLUEPRINTS[name].config(settings),
  };
}

export function streamOwner(name: StreamName): StreamOwner {
  return BLUEPRINTS[name].owner;
}

export function formerName(name: StreamName): string | undefined {
  return BLUEPRINTS[name].formerly;
}

/** The streams that the service of this name owns. */
export function streamsOf(service: string): StreamName[] {
  return STREAMS.filter((name) => streamOwner(name) === service);
}

/** Whether only the newest message of each subject is kept. */
export function keepsNewestOnly(name: StreamName): boolean {
  return BLUEPRINTS[name].config({}).max_msgs_per_subject === 1;
}

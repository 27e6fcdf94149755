import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { hasCode } from './streams.ts';
import { subjectToken } from './subjects.ts';

// Error codes of the server (its errors.json).
const CONSUMER_NOT_FOUND = 10014;
const CONSUMER_EXISTS = 10148;

export interface DurableSettings {
  stream: string;
  /** One name for all replicas of a service; the cluster becomes part of it. */
  durable: string;
  cluster: string;
  filter: string;
  /** A message is delivered again if its handler shows no sign of life for this long. */
  ackWaitMs: number;
}

/** Messages that may be delivered and not acknowledged, including those that wait for a retry. */
const MAX_ACK_PENDING = 20_000;

/** The consumer that all replicas share; it is created or updated if necessary. */
export async function durableConsumer(
  js: JetStreamClient,
  settings: DurableSettings,
): Promise<{ consumer: Consumer; jsm: JetStreamManager }> {
  const jsm = await js.jetstreamManager(false);
  const name = `${subjectToken(settings.durable)}_${subjectToken(settings.cluster)}`;
  const wanted = {
    filter_subject: settings.filter,
    ack_wait: nanos(settings.ackWaitMs),
    max_ack_pending: MAX_ACK_PENDING,
    max_deliver: -1,
  } satisfies Partial<ConsumerConfig>;
  await ensure(jsm, settings.stream, name, wanted);
  return { consumer: await js.consumers.get(settings.stream, name), jsm };
}

async function ensure(
  jsm: JetStreamManager,
  stream: string,
  name: string,
  wanted: Partial<ConsumerConfig>,
): Promise<void> {
  const found = await find(jsm, stream, name);
  if (found !== undefined) {
    const differs = Object.entries(wanted).some(
      ([key, value]) => found[key as keyof ConsumerConfig] !== value,
    );
    if (differs) await jsm.consumers.update(stream, name, wanted);
    return;
  }
  const created: Partial<ConsumerConfig> = {
    ...wanted,
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  };
  try {
    await jsm.consumers.add(stream, created);
  } catch (error) {
    // Another replica created it in the meantime with other settings, which stay until the next start.
    if (!hasCode(error, CONSUMER_EXISTS)) throw error;
  }
}

async function find(
  jsm: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerConfig | undefined> {
  try {
    return (await jsm.consumers.info(stream, name)).config;
  } catch (error) {
    if (hasCode(error, CONSUMER_NOT_FOUND)) return undefined;
    throw error;
  }
}

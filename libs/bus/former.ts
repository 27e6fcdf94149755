// Streams of earlier releases, whose names had no prefix: contents that can't be derived again are moved to the stream
// that replaces them, and then the old stream is removed.
import {
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import type { Logger } from '@weir/telemetry';
import { formerName, type StreamName } from './definitions.ts';
import { findStream, isOurs, isStreamGone, isTooLarge } from './streams.ts';

/** The stream of an earlier release that `name` replaces; undefined for one that somebody else created. */
export async function findFormer(
  jsm: JetStreamManager,
  name: StreamName,
): Promise<StreamInfo | undefined> {
  const former = formerName(name);
  if (former === undefined) return undefined;
  try {
    const found = await findStream(jsm, former);
    return found !== undefined && isOurs(found) ? found : undefined;
  } catch (error) {
    // A service without the right to read such a stream has none to take over.
    if (isRefused(error)) return undefined;
    throw error;
  }
}

/**
 * Removes the subjects from a former stream, so that the new one can have them: the server allows a subject in one
 * stream only. Its messages stay. What is published in between is refused and stays in the publishers' outboxes.
 */
export async function freeSubjects(jsm: JetStreamManager, former: StreamInfo): Promise<void> {
  const { name } = former.config;
  const subjects = [`weir.former.${name}`];
  if (JSON.stringify(former.config.subjects) === JSON.stringify(subjects)) return;
  await jsm.streams.update(name, { ...former.config, subjects });
}

/**
 * Moves the messages of a former stream that are still needed into the new one, and removes it. Only events need that:
 * everything else is derived from Kubernetes. An event counts as read once every durable consumer has acknowledged all
 * up to it, so some may be delivered twice. When it runs again after a crash it starts over, with the same result.
 */
export async function retireFormer(
  js: JetStreamClient,
  jsm: JetStreamManager,
  former: StreamInfo,
  log: Logger,
): Promise<void> {
  const { name } = former.config;
  try {
    const moved = name === formerName('weir-events') ? await moveUnread(js, jsm, name, log) : 0;
    await jsm.streams.delete(name);
    log.info({ stream: name, moved }, 'Removed the stream of an earlier release');
  } catch (error) {
    // Another replica has removed it, which it does only after it has moved everything.
    if (!isStreamGone(error) && (await findStream(jsm, name)) !== undefined) throw error;
  }
}

async function moveUnread(
  js: JetStreamClient,
  jsm: JetStreamManager,
  name: string,
  log: Logger,
): Promise<number> {
  const consumer = await js.consumers.get(name, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: (await acknowledged(jsm, name)) + 1,
  });
  const { num_pending: pending } = await consumer.info(true);
  let moved = 0;
  while (moved < pending) {
    const batch = await consumer.fetch({
      max_messages: Math.min(pending - moved, 500),
      expires: 2_000,
    });
    const before = moved;
    for await (const { subject, data, headers } of batch) {
      // The messages keep their `Nats-Msg-Id`, so that one which another replica moves at the same time is stored once.
      await js.publish(subject, data, headers === undefined ? {} : { headers }).catch((error) => {
        if (!isTooLarge(error)) throw error;
        log.warn({ subject, bytes: data.length }, 'An event is too large to be moved, left it out');
      });
      moved += 1;
    }
    if (moved === before) throw new Error(`the stream ${name} does not hand out what it holds`);
  }
  return moved;
}

/** The last sequence number up to which every durable consumer has acknowledged everything; 0 without consumers. */
async function acknowledged(jsm: JetStreamManager, name: string): Promise<number> {
  const floors: number[] = [];
  for await (const { config, ack_floor } of jsm.consumers.list(name)) {
    if (config.durable_name !== undefined) floors.push(ack_floor.stream_seq);
  }
  return floors.length === 0 ? 0 : Math.min(...floors);
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause].some((one) => one instanceof errors.PermissionViolationError);
}

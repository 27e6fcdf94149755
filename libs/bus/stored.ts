import type { Bus } from './bus.ts';
import { type CloudEvent, decodeCloudEvent } from './cloudevents.ts';
import type { StreamName } from './definitions.ts';
import { manageStream } from './managed.ts';

/**
 * The CloudEvent at a place of a stream, as `MessageContext.sequence` names it. Undefined when it has left the stream,
 * or is no CloudEvent. Rejects with BusUnavailable while NATS is away.
 */
export async function storedMessage(
  bus: Bus,
  stream: StreamName,
  sequence: number,
): Promise<CloudEvent | undefined> {
  const query = { seq: sequence };
  // Any copy of the stream answers the first; the leader, who knows for sure, only when that has nothing.
  const message = await manageStream(
    bus,
    stream,
  )(
    async (jsm) =>
      (await jsm.direct.getMessage(stream, query)) ?? (await jsm.streams.getMessage(stream, query)),
  );
  return message === null ? undefined : decodeCloudEvent(message.data);
}

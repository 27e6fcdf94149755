import type { Bus } from './bus.ts';
import { type CloudEvent, decodeCloudEvent } from './cloudevents.ts';
import type { StreamName } from './definitions.ts';
import { manageStream } from './managed.ts';
import { readMessage } from './read-message.ts';

/**
 * The CloudEvent with a sequence of a stream, see `MessageContext.sequence`. Undefined when it is no longer in the
 * stream, or is no CloudEvent. Rejects with BusUnavailable while NATS is away.
 */
export async function storedMessage(
  bus: Bus,
  stream: StreamName,
  sequence: number,
): Promise<CloudEvent | undefined> {
  const query = { seq: sequence };
  const manage = manageStream(bus, stream);
  const message = await manage((jsm) => readMessage(jsm, stream, query));
  return message && decodeCloudEvent(message.data);
}

import { type Bus, storedMessage } from '@weir/bus';
import { type FluxEvent, parseEvent } from './fluxevent.ts';

/**
 * The event with a sequence and id of the stream, see `MessageContext`: a stream that was created anew has another one
 * under that sequence. Undefined when it is no longer in the stream. Rejects with BusUnavailable while NATS is away.
 */
export async function storedEvent(
  bus: Bus,
  { sequence, id }: { sequence: number; id: string },
): Promise<FluxEvent | undefined> {
  const message = await storedMessage(bus, 'weir-events', sequence);
  return message?.id === id ? parseEvent(message.data) : undefined;
}

import { type Bus, storedMessage } from '@weir/bus';
import { type FluxEvent, parseEvent } from './fluxevent.ts';

/**
 * The event at a place of the stream, as `MessageContext.sequence` and `id` name it: a stream that was made anew has
 * another one in that place. Undefined when it has left the stream. Rejects with BusUnavailable while NATS is away.
 */
export async function storedEvent(
  bus: Bus,
  { sequence, id }: { sequence: number; id: string },
): Promise<FluxEvent | undefined> {
  const message = await storedMessage(bus, 'weir-events', sequence);
  return message?.id === id ? parseEvent(message.data) : undefined;
}
